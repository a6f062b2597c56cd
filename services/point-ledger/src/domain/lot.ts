import type { DataOf } from '@tsunagu/contracts';
import { addPoints, subtractPoints } from '@tsunagu/kernel';
import { GrownList } from './grown-list.js';

/**
 * Points of one grant, from the moment they are granted until none is left. Where they are now always sums up:
 * amount = available + held + exchanged + expired + reversed + repaid (I3, lot by lot).
 */
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
  readonly exchangedPoints: number;
  readonly expiredPoints: number;
  readonly reversedPoints: number;
  /** Taken from it for what the person owed from another grant. */
  readonly repaidPoints: number;
  readonly grantedAt: string;
  readonly expiresAt: string | null;
  /** The last extension of its term. */
  readonly extensionId: string | null;
  readonly legalClass: DataOf<'PointsGranted'>['legalClass'];
  /** Seen, and not usable before; null: at once. */
  readonly usableFrom: string | null;
  /** The list that it was granted by. */
  readonly batchId: string | null;
  readonly dryRun: boolean;
  /** Set once its grant was taken back. */
  readonly reversal: { readonly reversalId: string; readonly reasonPattern: string } | null;
}

export type LotPart = DataOf<'PointsHeld'>['lots'][number];

export type BlockedReason = 'dry_run' | 'expired' | 'reversed' | 'not_usable_yet';

/** Why a lot cannot be used at a moment, or undefined where it can. A lot past its expiry is gone, recorded or not. */
export function blockedReason(lot: Lot, now: string): BlockedReason | undefined {
  if (lot.dryRun) return 'dry_run';
  if (isPastExpiry(lot, now)) return 'expired';
  if (lot.reversal) return 'reversed';
  if (lot.usableFrom !== null && Date.parse(lot.usableFrom) > Date.parse(now)) return 'not_usable_yet';
  return undefined;
}

export function isPastExpiry(lot: Lot, now: string): boolean {
  return lot.expiresAt !== null && Date.parse(lot.expiresAt) <= Date.parse(now);
}

/** The lot that expires first comes first, none last; among equals the one granted first. */
export function bySoonestExpiry(a: Lot, b: Lot): number {
  return expiryMs(a) - expiryMs(b) || 0;
}

function expiryMs(lot: Lot): number {
  return lot.expiresAt === null ? Number.MAX_SAFE_INTEGER : Date.parse(lot.expiresAt);
}

export function newLot(data: DataOf<'PointsGranted'>): Lot {
  const { claimId, measureId, lotId, fundId, ownerId, campaignId, amountPoints, grantedAt, expiresAt, dryRun } = data;
  const { legalClass, usableFrom, batchId } = data;
  return {
    lotId,
    fundId,
    ownerId,
    campaignId,
    measureId,
    claimId,
    amountPoints,
    availablePoints: amountPoints,
    heldPoints: 0,
    exchangedPoints: 0,
    expiredPoints: 0,
    reversedPoints: 0,
    repaidPoints: 0,
    grantedAt,
    expiresAt,
    extensionId: null,
    legalClass,
    usableFrom,
    batchId,
    dryRun,
    reversal: null,
  };
}

/** Where points of a lot can be. */
type Place = 'available' | 'held' | 'exchanged' | 'expired' | 'reversed' | 'repaid';

/** Moves points of a lot from one place to another; the checked sums keep every place at or above zero (I5). */
export function moved(lot: Lot, points: number, from: Place, to: Place): Lot {
  return {
    ...lot,
    [`${from}Points`]: subtractPoints(lot[`${from}Points`], points),
    [`${to}Points`]: addPoints(lot[`${to}Points`], points),
  };
}

/** Changes the lots that are named, each once; a lot that is not on the account is a broken log. */
export function changedLots(
  lots: Iterable<Lot>,
  parts: readonly { readonly lotId: string; readonly points: number }[],
  change: (lot: Lot, points: number) => Lot,
): GrownList<Lot> {
  const byLot = new Map(parts.map((part) => [part.lotId, part.points]));
  const after = [...lots].map((lot) => {
    const points = byLot.get(lot.lotId);
    if (points === undefined) return lot;
    byLot.delete(lot.lotId);
    return change(lot, points);
  });
  if (byLot.size > 0) throw new Error(`no such lot on this account: ${[...byLot.keys()].join(', ')}`);
  return GrownList.from(after);
}
