import type { DataOf } from '@tsunagu/contracts';
import { sumPoints } from '@tsunagu/kernel';
import { type Account, type AccountEvent, blockedReason, bySoonestExpiry, type Lot, type LotPart } from './account.js';

export type HoldRequest = DataOf<'ExchangeRequested'>;
/** The recorded end of an exchange, as its owner recorded it. */
export interface ExchangeEnd {
  readonly exchangeId: string;
  readonly personId: string;
  readonly outcome: 'confirmed' | 'released';
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
  return account.lots
    .filter((lot) => lot.availablePoints > 0 && blockedReason(lot, now) === undefined)
    .filter((lot) => payingOwnerIds?.includes(lot.ownerId) ?? true)
    .sort(bySoonestExpiry);
}

/** Sets points aside for an exchange, soonest expiry first, or refuses it; decided on the account's own stream. */
export function decideHold(
  account: Account,
  request: HoldRequest,
  ids: { readonly holdId: string },
  times: { readonly now: string; readonly askOwnerAt: string },
): HoldDecision {
  if (account.exchanges.has(request.exchangeId)) return { outcome: 'ignored' };
  const lots = exchangeableLots(account, times.now, request.payingOwnerIds);
  const exchangeablePoints = sumPoints(lots.map((lot) => lot.availablePoints));
  const { exchangeId, personId, providerId, points } = request;
  if (points < 1 || points > exchangeablePoints) {
    return decided({
      type: 'HoldRefused',
      data: { exchangeId, personId, points, reasonCode: 'insufficient_points', exchangeablePoints },
    });
  }
  const { holdId } = ids;
  const parts = taken(lots, points);
  return decided({
    type: 'PointsHeld',
    data: { holdId, exchangeId, personId, providerId, points, lots: parts, askOwnerAt: times.askOwnerAt },
  });
}

/** Captures or releases a hold by its owner's recorded outcome: the only two ways in which a hold ends. */
export function decideHoldEnd(account: Account, end: ExchangeEnd, now: string): HoldDecision {
  const exchange = account.exchanges.get(end.exchangeId);
  if (!exchange) return endedUnseen(account, end, now);
  if (exchange.state === 'refused') {
    return end.outcome === 'released' ? { outcome: 'ignored' } : contradiction(end, 'refused');
  }
  const wanted = end.outcome === 'confirmed' ? 'captured' : 'released';
  if (exchange.state === wanted) return { outcome: 'ignored' };
  if (exchange.state !== 'held') return contradiction(end, exchange.state);
  const { holdId, exchangeId, personId, providerId, points, lots } = exchange.hold;
  const common = { holdId, exchangeId, personId, points, lots };
  return wanted === 'captured'
    ? decided({ type: 'HoldCaptured', data: { ...common, providerId } })
    : decided({ type: 'HoldReleased', data: { ...common, reasonCode: end.reasonCode } });
}

/** An exchange that ended before its request was seen here must not be held later, so its refusal is recorded now. */
function endedUnseen(account: Account, end: ExchangeEnd, now: string): HoldDecision {
  if (end.outcome === 'confirmed') return contradiction(end, 'never held');
  const exchangeablePoints = sumPoints(exchangeableLots(account, now).map((lot) => lot.availablePoints));
  const { exchangeId, personId } = end;
  return decided({
    type: 'HoldRefused',
    data: { exchangeId, personId, points: 0, reasonCode: 'exchange_ended', exchangeablePoints },
  });
}

function taken(lots: readonly Lot[], points: number): LotPart[] {
  const parts: LotPart[] = [];
  let missing = points;
  for (const { lotId, fundId, ownerId, availablePoints } of lots) {
    if (missing === 0) break;
    const part = Math.min(missing, availablePoints);
    parts.push({ lotId, fundId, ownerId, points: part });
    missing -= part;
  }
  return parts;
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
