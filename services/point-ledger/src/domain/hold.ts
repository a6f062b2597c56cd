import type { DataOf } from '@tsunagu/contracts';
import { sumPoints } from '@tsunagu/kernel';
import type { Account, AccountEvent } from './account.js';
import { type BlockedReason, blockedReason, bySoonestExpiry, type Lot, type LotPart } from './lot.js';

export type HoldRequest = DataOf<'ExchangeRequested'>;
/** The recorded end of an exchange, as its owner recorded it. */
export interface ExchangeEnd {
  readonly exchangeId: string;
  readonly personId: string;
  readonly outcome: 'confirmed' | 'released';
  /** What the provider credited where it was confirmed: less than was held is a capture in part. Absent: all of it. */
  readonly points?: number;
  /** Why it was released; names the outcome where it was confirmed. */
  readonly reasonCode: string;
}

type HoldEvent = Extract<AccountEvent, { type: 'PointsHeld' | 'HoldRefused' | 'HoldCaptured' | 'HoldReleased' }>;

export type HoldDecision =
  | { readonly outcome: 'ignored' }
  | { readonly outcome: 'decided'; readonly event: HoldEvent }
  /** The owner's outcome contradicts what the account recorded: nothing may be written, people must look. */
  | { readonly outcome: 'contradiction'; readonly detail: string };

/** Lots that an exchange may take now, in the order in which it takes them. */
export function exchangeableLots(account: Account, now: string, payingOwnerIds?: readonly string[]): readonly Lot[] {
  return [...account.lots]
    .filter((lot) => lot.availablePoints > 0 && blockedReason(lot, now) === undefined)
    .filter((lot) => payingOwnerIds?.includes(lot.ownerId) ?? true)
    .sort(bySoonestExpiry);
}

/** Lots that are seen but cannot be used yet. */
export function embargoedLots(account: Account, now: string, payingOwnerIds?: readonly string[]): readonly Lot[] {
  return [...account.lots]
    .filter((lot) => lot.availablePoints > 0 && blockedReason(lot, now) === 'not_usable_yet')
    .filter((lot) => payingOwnerIds?.includes(lot.ownerId) ?? true);
}

/** Every lot with why it cannot be used now, and the points that can be: now, and later when an embargo has ended. */
export function usableNow(account: Account, now: string) {
  const lots = [...account.lots].map((lot) => ({ lot, blocked: blockedReason(lot, now) }));
  const pointsThat = (fits: (blocked: BlockedReason | undefined) => boolean) =>
    sumPoints(lots.map(({ lot, blocked }) => (fits(blocked) ? lot.availablePoints : 0)));
  return {
    lots,
    exchangeablePoints: pointsThat((blocked) => blocked === undefined),
    laterPoints: pointsThat((blocked) => blocked === 'not_usable_yet'),
  };
}

/** Sets points aside for an exchange, soonest expiry first, or refuses it; decided on the account's own stream. */
export function decideHold(
  account: Account,
  request: HoldRequest,
  ids: { readonly holdId: string },
  times: { readonly now: string; readonly askOwnerAt: string },
): HoldDecision {
  if (account.exchanges.has(request.exchangeId)) return { outcome: 'ignored' };
  const { exchangeId, personId, providerId, points, payingOwnerIds } = request;
  const lots = exchangeableLots(account, times.now, payingOwnerIds);
  const exchangeablePoints = available(lots);
  if (points < 1 || points > exchangeablePoints) {
    const later = exchangeablePoints + available(embargoedLots(account, times.now, payingOwnerIds));
    const reasonCode = points >= 1 && points <= later ? 'points_not_usable_yet' : 'insufficient_points';
    return decided({ type: 'HoldRefused', data: { exchangeId, personId, points, reasonCode, exchangeablePoints } });
  }
  const { holdId } = ids;
  const parts = partsOf(
    lots.map((lot) => ({ ...lot, points: lot.availablePoints })),
    points,
  );
  return decided({
    type: 'PointsHeld',
    data: { holdId, exchangeId, personId, providerId, points, lots: parts, askOwnerAt: times.askOwnerAt },
  });
}

/**
 * Captures or releases a hold by its owner's recorded outcome: the only two ways in which a hold ends. What a capture in
 * part leaves is released in the same request (consequences.ts).
 */
export function decideHoldEnd(account: Account, end: ExchangeEnd, now: string): HoldDecision {
  const exchange = account.exchanges.get(end.exchangeId);
  if (!exchange) return endedUnseen(account, end, now);
  if (exchange.state === 'refused') {
    return end.outcome === 'released' ? { outcome: 'ignored' } : contradiction(end, 'refused');
  }
  const wanted = end.outcome === 'confirmed' ? 'captured' : 'released';
  if (exchange.state === wanted) return { outcome: 'ignored' };
  if (exchange.state !== 'held') return contradiction(end, exchange.state);
  const { holdId, exchangeId, personId, providerId, points: heldPoints, lots } = exchange.hold;
  if (wanted === 'released') {
    const data = { holdId, exchangeId, personId, points: heldPoints, lots, reasonCode: end.reasonCode };
    return decided({ type: 'HoldReleased', data });
  }
  const points = end.points ?? heldPoints;
  if (points < 1 || points > heldPoints) return contradiction(end, `held with ${heldPoints} points, not ${points}`);
  const data = { holdId, exchangeId, personId, points, lots: partsOf(lots, points), providerId };
  return decided({ type: 'HoldCaptured', data });
}

/** An exchange that ended before its request was seen here must not be held later, so its refusal is recorded now. */
function endedUnseen(account: Account, end: ExchangeEnd, now: string): HoldDecision {
  if (end.outcome === 'confirmed') return contradiction(end, 'never held');
  const exchangeablePoints = available(exchangeableLots(account, now));
  const { exchangeId, personId } = end;
  return decided({
    type: 'HoldRefused',
    data: { exchangeId, personId, points: 0, reasonCode: 'exchange_ended', exchangeablePoints },
  });
}

/** The first so many points of what the lots give, in their order. */
function partsOf(lots: readonly LotPart[], points: number): LotPart[] {
  const parts: LotPart[] = [];
  let missing = points;
  for (const { lotId, fundId, ownerId, points: atHand } of lots) {
    if (missing === 0) break;
    const part = Math.min(missing, atHand);
    parts.push({ lotId, fundId, ownerId, points: part });
    missing -= part;
  }
  return parts;
}

function available(lots: readonly Lot[]): number {
  return sumPoints(lots.map((lot) => lot.availablePoints));
}

function decided(event: HoldEvent): HoldDecision {
  return { outcome: 'decided', event };
}

function contradiction(end: ExchangeEnd, state: string): HoldDecision {
  return {
    outcome: 'contradiction',
    detail: `exchange ${end.exchangeId} was ${end.outcome}, but here it was ${state}`,
  };
}
