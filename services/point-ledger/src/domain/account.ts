import type { DataOf } from '@tsunagu/contracts';
import { addPoints, subtractPoints } from '@tsunagu/kernel';

/** A person's account: lots of points, each with its fund, and the holds on them. Its stream is the only truth about it. */
export type AccountEvent =
  | { readonly type: 'PointsGranted'; readonly data: DataOf<'PointsGranted'> }
  | { readonly type: 'GrantRefused'; readonly data: DataOf<'GrantRefused'> }
  | { readonly type: 'PointsHeld'; readonly data: DataOf<'PointsHeld'> }
  | { readonly type: 'HoldRefused'; readonly data: DataOf<'HoldRefused'> }
  | { readonly type: 'HoldCaptured'; readonly data: DataOf<'HoldCaptured'> }
  | { readonly type: 'HoldReleased'; readonly data: DataOf<'HoldReleased'> };

export interface Lot {
  readonly lotId: string;
  readonly fundId: string;
  /** Who pays for it. */
  readonly ownerId: string;
  readonly campaignId: string;
  readonly measureId: string;
  readonly claimId: string;
  readonly amountPoints: number;
  /** Neither held nor gone. */
  readonly availablePoints: number;
  readonly heldPoints: number;
  readonly grantedAt: string;
  readonly expiresAt: string | null;
  readonly dryRun: boolean;
  readonly legalClass: DataOf<'PointsGranted'>['legalClass'];
  /** Seen, and not usable before; null: at once. */
  readonly usableFrom: string | null;
  /** The list that it was granted by. */
  readonly batchId: string | null;
}

export type LotPart = DataOf<'PointsHeld'>['lots'][number];

/** What became of an exchange on this account; `hold` is there unless it was refused. */
export type ExchangeOnAccount =
  | { readonly state: 'refused' }
  | { readonly state: 'held' | 'captured' | 'released'; readonly hold: DataOf<'PointsHeld'> };

export interface Account {
  /** In the order granted. */
  readonly lots: readonly Lot[];
  /** The last decision of each claim. */
  readonly claims: ReadonlyMap<string, { readonly attempt: number; readonly granted: boolean }>;
  /** I1: the claim that each measure was granted to. */
  readonly measures: ReadonlyMap<string, string>;
  readonly exchanges: ReadonlyMap<string, ExchangeOnAccount>;
}

export const emptyAccount: Account = { lots: [], claims: new Map(), measures: new Map(), exchanges: new Map() };

export function accountStream(personId: string): string {
  return `account-${personId}`;
}

export function evolveAccount(account: Account, event: AccountEvent): Account {
  switch (event.type) {
    case 'PointsGranted':
      return granted(account, event.data);
    case 'GrantRefused': {
      const decision = { attempt: event.data.attempt, granted: false };
      return { ...account, claims: new Map(account.claims).set(event.data.claimId, decision) };
    }
    case 'HoldRefused':
      return withExchange(account, event.data.exchangeId, { state: 'refused' });
    case 'PointsHeld':
      return withExchange({ ...account, lots: moved(account.lots, event.data.lots, hold) }, event.data.exchangeId, {
        state: 'held',
        hold: event.data,
      });
    case 'HoldCaptured':
      return ended(account, event.data, 'captured', capture);
    case 'HoldReleased':
      return ended(account, event.data, 'released', release);
  }
}

export function foldAccount(events: Iterable<{ readonly type: string; readonly data: unknown }>): Account {
  let account = emptyAccount;
  for (const event of events) account = evolveAccount(account, event as AccountEvent);
  return account;
}

/** Why a lot cannot be used at a moment, or undefined where it can. A lot past its expiry is gone, recorded or not. */
export function blockedReason(lot: Lot, now: string): 'dry_run' | 'expired' | undefined {
  if (lot.dryRun) return 'dry_run';
  if (lot.expiresAt !== null && Date.parse(lot.expiresAt) <= Date.parse(now)) return 'expired';
  return undefined;
}

/** The lot that expires first comes first, none last; among equals the one granted first. */
export function bySoonestExpiry(a: Lot, b: Lot): number {
  return expiryMs(a) - expiryMs(b) || 0;
}

function expiryMs(lot: Lot): number {
  return lot.expiresAt === null ? Number.MAX_SAFE_INTEGER : Date.parse(lot.expiresAt);
}

function granted(account: Account, data: DataOf<'PointsGranted'>): Account {
  const { claimId, measureId, lotId, fundId, ownerId, campaignId, amountPoints, grantedAt, expiresAt, dryRun } = data;
  const { legalClass, usableFrom, batchId } = data;
  const lot: Lot = {
    lotId,
    fundId,
    ownerId,
    campaignId,
    measureId,
    claimId,
    amountPoints,
    availablePoints: amountPoints,
    heldPoints: 0,
    grantedAt,
    expiresAt,
    dryRun,
    legalClass,
    usableFrom,
    batchId,
  };
  return {
    ...account,
    lots: [...account.lots, lot],
    claims: new Map(account.claims).set(claimId, { attempt: data.attempt, granted: true }),
    measures: new Map(account.measures).set(measureId, claimId),
  };
}

function ended(
  account: Account,
  data: { readonly exchangeId: string; readonly lots: readonly LotPart[] },
  state: 'captured' | 'released',
  move: (lot: Lot, points: number) => Lot,
): Account {
  const before = account.exchanges.get(data.exchangeId);
  if (before?.state !== 'held') throw new Error(`exchange ${data.exchangeId} has no hold to end`);
  const lots = moved(account.lots, data.lots, move);
  return withExchange({ ...account, lots }, data.exchangeId, { state, hold: before.hold });
}

function withExchange(account: Account, exchangeId: string, exchange: ExchangeOnAccount): Account {
  return { ...account, exchanges: new Map(account.exchanges).set(exchangeId, exchange) };
}

/** The checked subtractions below keep every lot at or above zero (I5). */
const hold = (lot: Lot, points: number): Lot => ({
  ...lot,
  availablePoints: subtractPoints(lot.availablePoints, points),
  heldPoints: addPoints(lot.heldPoints, points),
});
const capture = (lot: Lot, points: number): Lot => ({ ...lot, heldPoints: subtractPoints(lot.heldPoints, points) });
const release = (lot: Lot, points: number): Lot => ({
  ...capture(lot, points),
  availablePoints: addPoints(lot.availablePoints, points),
});

function moved(
  lots: readonly Lot[],
  parts: readonly LotPart[],
  move: (lot: Lot, points: number) => Lot,
): readonly Lot[] {
  const byLot = new Map(parts.map((part) => [part.lotId, part.points]));
  const after = lots.map((lot) => {
    const points = byLot.get(lot.lotId);
    if (points === undefined) return lot;
    byLot.delete(lot.lotId);
    return move(lot, points);
  });
  if (byLot.size > 0) throw new Error(`no such lot on this account: ${[...byLot.keys()].join(', ')}`);
  return after;
}
