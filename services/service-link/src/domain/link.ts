import type { DataOf, LinkDisputePattern } from '@tsunagu/contracts';
import { ok, type Result, refuse } from '@tsunagu/kernel';

/** A person's wish to have points sent to one provider account, and what became of it. Stream `link-<linkId>`. */

export interface LinkRequest {
  readonly linkId: string;
  readonly personId: string;
  readonly providerId: string;
  readonly programmeId: string;
  /** As the programme said when the person asked. */
  readonly providersPerPerson: 'one' | 'many';
  readonly linkConfirmation: 'none' | 'person' | 'proof';
  /** How the provider learns whose account it is: from a typed id and code, which is meant when absent, or on its own page. */
  readonly method?: LinkMethod;
  /** Keyed hash of the account id that the person gave; absent where the provider's page asked for it. */
  readonly accountKey?: string;
  /** After this neither the provider nor the person is waited for. */
  readonly expiresAt: string;
}

export type LinkMethod = 'code' | 'redirect';

export type LinkEvent =
  | { readonly type: 'LinkRequested'; readonly data: LinkRequest }
  | {
      readonly type: 'ProviderConfirmed';
      /** Keyed hash of the provider's own reference, which two spellings of one account share. */
      readonly data: { readonly linkId: string; readonly referenceKey: string; readonly awaitsPerson: boolean };
    }
  | { readonly type: 'LinkEstablished'; readonly data: DataOf<'LinkEstablished'> }
  | { readonly type: 'LinkRefused'; readonly data: { readonly linkId: string; readonly reasonCode: string } }
  | { readonly type: 'LinkDisputed'; readonly data: DataOf<'LinkDisputed'> }
  | { readonly type: 'LinkUpheld'; readonly data: DataOf<'LinkUpheld'> }
  | { readonly type: 'LinkEnded'; readonly data: DataOf<'LinkEnded'> }
  /** A lost card's account has a new id at the provider: one account, one cap; the ids before it stay the person's. */
  | { readonly type: 'LinkReplaced'; readonly data: { readonly linkId: string } & AccountKeys };

export type LinkState = 'requested' | 'awaiting_confirmation' | 'established' | 'refused' | 'disputed' | 'ended';

/** Keyed hashes: of the account id as the person gave it, and of the provider's own reference; the latter twice where no id was given. */
export interface AccountKeys {
  readonly accountKey: string;
  readonly referenceKey: string;
}

export interface Link {
  readonly request: LinkRequest;
  readonly status: 'requested' | 'confirmed' | 'established' | 'refused' | 'disputed' | 'ended';
  /** The accounts that the provider confirmed: the last is where points go, those before it were replaced. */
  readonly accounts: readonly AccountKeys[];
  /** The provider said yes, and the person has to say it as well. */
  readonly awaitsPerson: boolean;
  /** Why it was refused or ended. */
  readonly reasonCode?: string;
  /** It stood until one of `owingEnds`: what was sent over it before still comes to its end. */
  readonly owesOutcome?: boolean;
}

/** Ends that say nothing against the account: what was sent there may still have to be sent again. */
export const owingEnds: readonly string[] = ['person_erased', 'deceased', 'moved_away'];

export type DisputeSide = 'holder' | 'account_owner' | 'provider';

/** What the provider said about the account and the code; `none` when it said nothing that can be relied on. */
export type ConfirmationAnswer =
  | {
      readonly kind: 'confirmed';
      readonly referenceKey: string;
      /** Told when the platform asked, without the person who began the link coming back: they look at the account first. */
      readonly unattended?: boolean;
    }
  | { readonly kind: 'denied'; readonly reasonCode: string }
  | { readonly kind: 'none' };

export const initialState: Link | undefined = undefined;

export function evolve(state: Link | undefined, event: LinkEvent): Link {
  if (event.type === 'LinkRequested')
    return { request: event.data, status: 'requested', accounts: [], awaitsPerson: false };
  if (!state) throw new Error(`${event.type} stands before LinkRequested`);
  switch (event.type) {
    case 'ProviderConfirmed': {
      const { referenceKey, awaitsPerson } = event.data;
      const { accountKey = referenceKey } = state.request;
      return { ...state, status: 'confirmed', accounts: [{ accountKey, referenceKey }], awaitsPerson };
    }
    case 'LinkEstablished':
      return { ...state, status: 'established' };
    case 'LinkRefused':
      return { ...state, status: 'refused', reasonCode: event.data.reasonCode };
    case 'LinkDisputed':
      return { ...state, status: 'disputed' };
    case 'LinkUpheld':
      return { ...state, status: 'established' };
    case 'LinkEnded': {
      const { pattern } = event.data;
      // Over a link that was disputed nothing is sent, nor sent again.
      const owesOutcome = owingEnds.includes(pattern) && state.status === 'established';
      return { ...state, status: 'ended', reasonCode: pattern, ...(owesOutcome && { owesOutcome }) };
    }
    case 'LinkReplaced': {
      const { accountKey, referenceKey } = event.data;
      return { ...state, accounts: [...state.accounts, { accountKey, referenceKey }] };
    }
  }
}

export function fold(events: readonly LinkEvent[]): Link | undefined {
  return events.reduce<Link | undefined>(evolve, initialState);
}

/** What to record of the provider's answer; nothing when there is nothing new, or while it may still be asked again. */
export function decideAnswer(state: Link, answer: ConfirmationAnswer, at: string): readonly LinkEvent[] {
  if (state.status !== 'requested') return [];
  const { linkId, linkConfirmation } = state.request;
  if (answer.kind === 'confirmed') {
    const awaitsPerson = linkConfirmation !== 'none' || answer.unattended === true;
    return [{ type: 'ProviderConfirmed', data: { linkId, referenceKey: answer.referenceKey, awaitsPerson } }];
  }
  if (answer.kind === 'denied') return [refused(linkId, answer.reasonCode)];
  return decideExpiry(state, at);
}

/** Neither the provider nor the person is waited for for ever. On the provider's own page it is the person who is waited for. */
export function decideExpiry(state: Link, at: string): readonly LinkEvent[] {
  const { linkId, method, expiresAt } = state.request;
  if (!hasPassed(expiresAt, at)) return [];
  if (state.status === 'requested' && method !== 'redirect') return [refused(linkId, 'provider_unreachable')];
  const waits = state.status === 'requested' || (state.status === 'confirmed' && state.awaitsPerson);
  return waits ? [refused(linkId, 'confirmation_expired')] : [];
}

/** The link's own part of its end: established, or refused because somebody else was first. */
export function decideEnd(state: Link, end: Result<unknown>): readonly LinkEvent[] {
  if (state.status !== 'confirmed') return [];
  const { linkId } = state.request;
  if (!end.ok) return [refused(linkId, end.refusal.code.replace(/^service_link\./, ''))];
  return [{ type: 'LinkEstablished', data: subjectOf(state) }];
}

export function decideConfirmation(
  state: Link,
  at: string,
): Result<'establish' | 'established', 'service_link.wrong_state'> {
  if (state.status === 'established') return ok('established');
  if (state.status === 'confirmed' && decideExpiry(state, at).length === 0) return ok('establish');
  return refuse('service_link.wrong_state', { detail: `The link is ${shownState(state)}.` });
}

/** Somebody says that the link is wrong; nothing new where it is disputed already. */
export function decideDispute(
  state: Link,
  pattern: LinkDisputePattern,
  side: DisputeSide,
): Result<readonly LinkEvent[], 'service_link.wrong_state'> {
  if (state.status === 'disputed') return ok([]);
  if (state.status !== 'established')
    return refuse('service_link.wrong_state', { detail: `The link is ${shownState(state)}.` });
  return ok([{ type: 'LinkDisputed', data: { ...subjectOf(state), pattern, side } }]);
}

/** The person ends the link, where the programme lets links be changed now. */
export function decideOwnEnd(
  state: Link,
  mayChange: boolean,
): Result<readonly LinkEvent[], 'service_link.wrong_state' | 'service_link.no_change_after_claim'> {
  if (state.status === 'ended') return ok([]);
  if (state.status !== 'established')
    return refuse('service_link.wrong_state', { detail: `The link is ${shownState(state)}.` });
  if (!mayChange) return refuse('service_link.no_change_after_claim');
  const data = { ...subjectOf(state), pattern: 'ended_by_person', successorLinkId: null };
  return ok([{ type: 'LinkEnded', data }]);
}

/** Its person was erased: it ends whatever it is. */
export function decideErased(state: Link): readonly LinkEvent[] {
  if (!hasEnded(state)) return [refused(state.request.linkId, 'person_erased')];
  if (state.status !== 'established' && state.status !== 'disputed') return [];
  return [{ type: 'LinkEnded', data: { ...subjectOf(state), pattern: 'person_erased', successorLinkId: null } }];
}

/** As answers name it: between the provider's yes and the end a link that needs no confirmation still is `requested`. */
export function shownState(state: Link): LinkState {
  if (state.status !== 'confirmed') return state.status;
  return state.awaitsPerson ? 'awaiting_confirmation' : 'requested';
}

/** Whether the person's own word may come by the way they took: back from the provider's page, where the programme asks for no more. */
export function returnConfirms({ status, request }: Link): boolean {
  return status === 'confirmed' && request.method === 'redirect' && request.linkConfirmation === 'none';
}

/** Whether somebody may still come back from the provider's page for this link. */
export function decideReturn(state: Link, at: string): Result<undefined, 'service_link.wrong_state'> {
  const isOpen = state.status === 'requested' || returnConfirms(state);
  if (state.request.method === 'redirect' && isOpen && decideExpiry(state, at).length === 0) return ok(undefined);
  return refuse('service_link.wrong_state', { detail: `The link is ${shownState(state)}.` });
}

export function hasEnded(state: Link): boolean {
  return state.status !== 'requested' && state.status !== 'confirmed';
}

export function subjectOf({ request }: Link): DataOf<'LinkEstablished'> {
  const { linkId, personId, providerId, programmeId } = request;
  return { linkId, personId, providerId, programmeId };
}

/** Where points go; undefined while the provider has confirmed nothing. */
export function currentAccount(state: Link): AccountKeys | undefined {
  return state.accounts.at(-1);
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
