import type { DataOf } from '@tsunagu/contracts';
import { ok, type Result, refuse, sumPoints } from '@tsunagu/kernel';
import { contractOf, type Provider, providerPointsOf } from './provider.js';

/** Points on their way to a provider. Stream `exchange-<exchangeId>`. Nothing here ends an exchange but a recorded answer. */

export type HeldLots = DataOf<'PointsHeld'>['lots'];

export type ExchangeEvent =
  | { readonly type: 'ExchangeRequested'; readonly data: DataOf<'ExchangeRequested'> }
  | {
      readonly type: 'ExchangeHeld';
      readonly data: {
        readonly exchangeId: string;
        readonly holdId: string;
        readonly lots: HeldLots;
        /** Each owner's points at its own rate, rounded down owner by owner. */
        readonly providerPoints: number;
        readonly parts: readonly OwnerPart[];
      };
    }
  | { readonly type: 'ExchangeSubmitted'; readonly data: { readonly exchangeId: string; readonly providerId: string } }
  | { readonly type: 'ExchangeOutcomeUnknown'; readonly data: { readonly exchangeId: string; readonly why: string } }
  /** The provider knows the credit and has not decided: after `outcome_unknown`, the exchange is `submitted` again. */
  | { readonly type: 'ExchangePending'; readonly data: { readonly exchangeId: string } }
  | { readonly type: 'ExchangeReviewOpened'; readonly data: { readonly exchangeId: string } }
  /** What the provider said of its credit; stands just before ExchangeConfirmed, which the ledger reads. */
  | {
      readonly type: 'ProviderCredited';
      readonly data: { readonly exchangeId: string; readonly providerReference: string; readonly creditedAt: string };
    }
  | { readonly type: 'ExchangeConfirmed'; readonly data: DataOf<'ExchangeConfirmed'> }
  | { readonly type: 'ExchangeRejected'; readonly data: DataOf<'ExchangeRejected'> }
  | { readonly type: 'ExchangeCancelled'; readonly data: DataOf<'ExchangeCancelled'> }
  | {
      readonly type: 'ExchangeCaptured';
      readonly data: {
        readonly exchangeId: string;
        readonly holdId: string;
        readonly lots: HeldLots;
        /** Where the ledger recorded the capture. */
        readonly ledger: { readonly log: number; readonly position: number };
      };
    }
  | { readonly type: 'ExchangeReleased'; readonly data: { readonly exchangeId: string; readonly holdId: string } };

export interface OwnerPart {
  readonly ownerId: string;
  readonly points: number;
  readonly providerPoints: number;
}

export type Status =
  | 'requested'
  | 'held'
  | 'submitted'
  | 'outcome_unknown'
  | 'under_review'
  | 'confirmed'
  | 'captured'
  | 'rejected'
  | 'cancelled';

export interface Exchange {
  readonly request: DataOf<'ExchangeRequested'>;
  readonly status: Status;
  readonly holdId?: string;
  readonly lots?: HeldLots;
  readonly providerPoints?: number;
  readonly providerReference?: string;
  readonly reasonCode?: string;
  /** The hold has been given back. */
  readonly released?: boolean;
}

/** What a provider's answer to a credit or an inquiry comes to. `not_seen` proves nothing. */
export type CreditAnswer =
  | { readonly kind: 'credited'; readonly providerReference: string; readonly creditedAt: string }
  | { readonly kind: 'rejected'; readonly reasonCode: string }
  | { readonly kind: 'pending' }
  | { readonly kind: 'not_seen' }
  | { readonly kind: 'unknown'; readonly why: string };

export const initialState: Exchange | undefined = undefined;

export function evolve(state: Exchange | undefined, event: ExchangeEvent): Exchange {
  if (event.type === 'ExchangeRequested') return { request: event.data, status: 'requested' };
  if (!state) throw new Error(`${event.type} stands before ExchangeRequested`);
  switch (event.type) {
    case 'ExchangeHeld': {
      const { holdId, lots, providerPoints } = event.data;
      return { ...state, status: 'held', holdId, lots, providerPoints };
    }
    case 'ExchangeSubmitted':
    case 'ExchangePending':
      return { ...state, status: 'submitted' };
    case 'ExchangeOutcomeUnknown':
      return { ...state, status: 'outcome_unknown' };
    case 'ExchangeReviewOpened':
      return { ...state, status: 'under_review' };
    case 'ProviderCredited':
      return { ...state, providerReference: event.data.providerReference };
    case 'ExchangeConfirmed':
      return { ...state, status: 'confirmed' };
    case 'ExchangeCaptured':
      return { ...state, status: 'captured', lots: event.data.lots };
    case 'ExchangeRejected':
      return { ...state, status: 'rejected', reasonCode: event.data.reasonCode };
    case 'ExchangeCancelled':
      return { ...state, status: 'cancelled', reasonCode: event.data.reasonCode };
    case 'ExchangeReleased':
      return { ...state, released: true };
  }
}

export function fold(events: readonly ExchangeEvent[]): Exchange | undefined {
  return events.reduce<Exchange | undefined>(evolve, initialState);
}

export interface ExchangeOrder {
  readonly exchangeId: string;
  readonly personId: string;
  readonly linkId: string;
  readonly points: number;
}

export type RequestRefusal = 'exchange.link_not_established' | 'exchange.below_minimum' | 'exchange.not_in_units';

/** The minimum before the unit: fewer points than the minimum are told the minimum, whatever their unit. */
export function decideRequest(
  order: ExchangeOrder,
  link: { readonly providerId: string; readonly state: string },
  provider: Provider,
): Result<readonly ExchangeEvent[], RequestRefusal> {
  if (link.state !== 'established')
    return refuse('exchange.link_not_established', { detail: `The link is ${link.state}.` });
  const { unitPoints, minimumPoints, providerId } = provider;
  if (order.points < minimumPoints) return refuse('exchange.below_minimum', { extensions: { minimumPoints } });
  if (order.points % unitPoints !== 0) return refuse('exchange.not_in_units', { extensions: { unitPoints } });
  const payingOwnerIds = provider.contracts.map((contract) => contract.ownerId).sort();
  return ok([{ type: 'ExchangeRequested', data: { ...order, providerId, payingOwnerIds } }]);
}

/** The ledger holds the points; the provider as it stands says what they come to. */
export function decideHeld(state: Exchange, held: DataOf<'PointsHeld'>, provider: Provider): readonly ExchangeEvent[] {
  if (state.status !== 'requested') return [];
  const { exchangeId } = state.request;
  const { holdId, lots } = held;
  const parts = ownerParts(lots, provider);
  const providerPoints = sumPoints(parts.map((part) => part.providerPoints));
  return [{ type: 'ExchangeHeld', data: { exchangeId, holdId, lots, providerPoints, parts } }];
}

export function decideHoldRefused(state: Exchange, refused: DataOf<'HoldRefused'>): readonly ExchangeEvent[] {
  return state.status === 'requested' ? [rejected(state, refused.reasonCode)] : [];
}

/**
 * To be recorded before the first byte goes out: from here on the provider may have credited. Over a link that has ended nothing
 * goes out, so the exchange is called off; over one that is disputed it is held back: nothing is recorded, and it is asked again.
 */
export function decideSubmission(state: Exchange, linkState: string | undefined): readonly ExchangeEvent[] {
  if (state.status !== 'held') return [];
  const { exchangeId, personId, providerId, points } = state.request;
  if (linkState === 'established') return [{ type: 'ExchangeSubmitted', data: { exchangeId, providerId } }];
  if (linkState !== 'ended') return [];
  return [{ type: 'ExchangeCancelled', data: { exchangeId, personId, providerId, points, reasonCode: 'link_ended' } }];
}

/** What to record of a provider's answer; nothing where it says nothing new. Only credited and rejected end anything. */
export function decideAnswer(state: Exchange, answer: CreditAnswer): readonly ExchangeEvent[] {
  if (!awaitsProvider(state)) return [];
  const { exchangeId, personId, providerId, points } = state.request;
  switch (answer.kind) {
    case 'credited': {
      const { providerReference, creditedAt } = answer;
      return [
        { type: 'ProviderCredited', data: { exchangeId, providerReference, creditedAt } },
        { type: 'ExchangeConfirmed', data: { exchangeId, personId, providerId, points } },
      ];
    }
    case 'rejected':
      return [rejected(state, answer.reasonCode)];
    case 'pending':
      return state.status === 'outcome_unknown' ? [{ type: 'ExchangePending', data: { exchangeId } }] : [];
    case 'unknown':
      return state.status === 'submitted'
        ? [{ type: 'ExchangeOutcomeUnknown', data: { exchangeId, why: answer.why } }]
        : [];
    case 'not_seen':
      return [];
  }
}

/** An outcome that stays unknown past the limit is for people to look at; inquiries go on. */
export function decideReview(
  state: Exchange,
  unknownSince: string,
  now: string,
  limitMs: number,
): readonly ExchangeEvent[] {
  const late = Date.parse(now) - Date.parse(unknownSince) >= limitMs;
  const { exchangeId } = state.request;
  return state.status === 'outcome_unknown' && late ? [{ type: 'ExchangeReviewOpened', data: { exchangeId } }] : [];
}

export function decideCaptured(
  state: Exchange,
  captured: DataOf<'HoldCaptured'>,
  ledger: { readonly log: number; readonly position: number },
): readonly ExchangeEvent[] {
  if (state.status !== 'confirmed') return [];
  const { holdId, lots } = captured;
  return [{ type: 'ExchangeCaptured', data: { exchangeId: state.request.exchangeId, holdId, lots, ledger } }];
}

export function decideReleased(state: Exchange, released: DataOf<'HoldReleased'>): readonly ExchangeEvent[] {
  const ended = state.status === 'rejected' || state.status === 'cancelled';
  if (!ended || state.released || state.holdId === undefined) return [];
  return [{ type: 'ExchangeReleased', data: { exchangeId: state.request.exchangeId, holdId: released.holdId } }];
}

/** Submitted and without a recorded answer that ends it. */
export function awaitsProvider(state: Exchange): boolean {
  return state.status === 'submitted' || state.status === 'outcome_unknown' || state.status === 'under_review';
}

/** As answers name it: between the provider's yes and the ledger's capture it still shows `submitted`. */
export function shownState(status: Status): Exclude<Status, 'captured'> {
  if (status === 'confirmed') return 'submitted';
  return status === 'captured' ? 'confirmed' : status;
}

/** What the ledger is told that asks what became of a hold. */
export function outcomeOf(state: Exchange): 'confirmed' | 'released' | 'open' {
  if (state.status === 'confirmed' || state.status === 'captured') return 'confirmed';
  return state.status === 'rejected' || state.status === 'cancelled' ? 'released' : 'open';
}

/** Each owner's part of a hold, at its own rate. Throws when the ledger took a lot whose owner has no contract: a bug, never a choice. */
export function ownerParts(lots: HeldLots, provider: Provider): readonly OwnerPart[] {
  const owners = [...new Set(lots.map((lot) => lot.ownerId))].sort();
  return owners.map((ownerId) => {
    const contract = contractOf(provider, ownerId);
    if (!contract)
      throw new Error(`the hold takes a lot of ${ownerId}, who has no contract with ${provider.providerId}`);
    const points = sumPoints(lots.filter((lot) => lot.ownerId === ownerId).map((lot) => lot.points));
    return { ownerId, points, providerPoints: providerPointsOf(points, contract) };
  });
}

export function exchangeStream(exchangeId: string): string {
  return `exchange-${exchangeId}`;
}

function rejected(state: Exchange, reasonCode: string): ExchangeEvent {
  const { exchangeId, personId, providerId, points } = state.request;
  return { type: 'ExchangeRejected', data: { exchangeId, personId, providerId, points, reasonCode } };
}
