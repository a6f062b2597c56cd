import type { DataOf } from '@tsunagu/contracts';
import { ok, type Result, refuse } from '@tsunagu/kernel';

/** A person's wish to have points sent to one provider account, and what became of it. Stream `link-<linkId>`. */

export interface LinkRequest {
  readonly linkId: string;
  readonly personId: string;
  readonly providerId: string;
  readonly programmeId: string;
  /** As the programme said when the person asked. */
  readonly providersPerPerson: 'one' | 'many';
  readonly linkConfirmation: 'none' | 'person';
  /** Keyed hash of the account id that the person gave. */
  readonly accountKey: string;
  /** After this the provider is no longer asked. */
  readonly expiresAt: string;
}

export type LinkEvent =
  | { readonly type: 'LinkRequested'; readonly data: LinkRequest }
  | {
      readonly type: 'ProviderConfirmed';
      /** Keyed hash of the provider's own reference, which two spellings of one account share. */
      readonly data: { readonly linkId: string; readonly referenceKey: string; readonly awaitsPerson: boolean };
    }
  | { readonly type: 'LinkEstablished'; readonly data: DataOf<'LinkEstablished'> }
  | { readonly type: 'LinkRefused'; readonly data: { readonly linkId: string; readonly reasonCode: string } };

export type LinkState = 'requested' | 'awaiting_confirmation' | 'established' | 'refused';

export interface Link {
  readonly request: LinkRequest;
  readonly status: 'requested' | 'confirmed' | 'established' | 'refused';
  readonly referenceKey?: string;
  readonly reasonCode?: string;
}

/** What the provider said about the account and the code; `none` when it said nothing that can be relied on. */
export type ConfirmationAnswer =
  | { readonly kind: 'confirmed'; readonly referenceKey: string }
  | { readonly kind: 'denied'; readonly reasonCode: string }
  | { readonly kind: 'none' };

export const initialState: Link | undefined = undefined;

export function evolve(state: Link | undefined, event: LinkEvent): Link {
  if (event.type === 'LinkRequested') return { request: event.data, status: 'requested' };
  if (!state) throw new Error(`${event.type} stands before LinkRequested`);
  switch (event.type) {
    case 'ProviderConfirmed':
      return { ...state, status: 'confirmed', referenceKey: event.data.referenceKey };
    case 'LinkEstablished':
      return { ...state, status: 'established' };
    case 'LinkRefused':
      return { ...state, status: 'refused', reasonCode: event.data.reasonCode };
  }
}

export function fold(events: readonly LinkEvent[]): Link | undefined {
  return events.reduce<Link | undefined>(evolve, initialState);
}

/** What to record of the provider's answer; nothing when there is nothing new, or while it may still be asked again. */
export function decideAnswer(state: Link, answer: ConfirmationAnswer, at: string): readonly LinkEvent[] {
  if (state.status !== 'requested') return [];
  const { linkId, linkConfirmation, expiresAt } = state.request;
  if (answer.kind === 'confirmed') {
    const awaitsPerson = linkConfirmation === 'person';
    return [{ type: 'ProviderConfirmed', data: { linkId, referenceKey: answer.referenceKey, awaitsPerson } }];
  }
  if (answer.kind === 'denied') return [refused(linkId, answer.reasonCode)];
  return hasPassed(expiresAt, at) ? [refused(linkId, 'provider_unreachable')] : [];
}

/** A link that waits for the person does not wait for ever. */
export function decideExpiry(state: Link, at: string): readonly LinkEvent[] {
  const { linkId, linkConfirmation, expiresAt } = state.request;
  const waits = state.status === 'confirmed' && linkConfirmation === 'person';
  return waits && hasPassed(expiresAt, at) ? [refused(linkId, 'confirmation_expired')] : [];
}

/** The link's own part of its end: established, or refused because somebody else was first. */
export function decideEnd(state: Link, end: Result<unknown>): readonly LinkEvent[] {
  if (state.status !== 'confirmed') return [];
  const { linkId, personId, providerId, programmeId } = state.request;
  if (!end.ok) return [refused(linkId, end.refusal.code.replace(/^service_link\./, ''))];
  return [{ type: 'LinkEstablished', data: { linkId, personId, providerId, programmeId } }];
}

export function decideConfirmation(state: Link): Result<'establish' | 'established', 'service_link.wrong_state'> {
  if (state.status === 'established') return ok('established');
  if (state.status === 'confirmed') return ok('establish');
  return refuse('service_link.wrong_state', { detail: `The link is ${shownState(state)}.` });
}

/** As answers name it: between the provider's yes and the end a link that needs no confirmation still is `requested`. */
export function shownState(state: Link): LinkState {
  if (state.status !== 'confirmed') return state.status;
  return state.request.linkConfirmation === 'person' ? 'awaiting_confirmation' : 'requested';
}

export function hasEnded(state: Link): boolean {
  return state.status === 'established' || state.status === 'refused';
}

export function linkStream(linkId: string): string {
  return `link-${linkId}`;
}

function refused(linkId: string, reasonCode: string): LinkEvent {
  return { type: 'LinkRefused', data: { linkId, reasonCode } };
}

function hasPassed(limit: string, at: string): boolean {
  return Date.parse(at) >= Date.parse(limit);
}
