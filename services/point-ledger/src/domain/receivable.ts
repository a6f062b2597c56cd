import type { DataOf } from '@tsunagu/contracts';
import { subtractPoints } from '@tsunagu/kernel';

/** What a person owes a fund because a grant was reversed after it had been spent. Recorded = repaid + written off + open (I3). */
export interface Receivable {
  readonly receivableId: string;
  readonly reversalId: string;
  /** The lot whose grant was reversed. */
  readonly lotId: string;
  readonly fundId: string;
  readonly ownerId: string;
  readonly points: number;
  readonly openPoints: number;
}

type ReceivableEvent =
  | { readonly type: 'ReceivableRecorded'; readonly data: DataOf<'ReceivableRecorded'> }
  | { readonly type: 'ReceivableRepaid'; readonly data: DataOf<'ReceivableRepaid'> }
  | { readonly type: 'ReceivableWrittenOff'; readonly data: DataOf<'ReceivableWrittenOff'> };

/** How a later grant repays what is owed: a share of it, at most so many points a grant. Settings of the ledger. */
export interface RepaymentRule {
  readonly sharePercent: number;
  readonly pointsMax: number;
}

export function evolveReceivables(
  receivables: ReadonlyMap<string, Receivable>,
  event: ReceivableEvent,
): ReadonlyMap<string, Receivable> {
  const { receivableId, points } = event.data;
  if (event.type === 'ReceivableRecorded') {
    if (receivables.has(receivableId)) throw new Error(`receivable ${receivableId} is recorded twice`);
    const { reversalId, lotId, fundId, ownerId } = event.data;
    const fresh = { receivableId, reversalId, lotId, fundId, ownerId, points, openPoints: points };
    return new Map(receivables).set(receivableId, fresh);
  }
  const known = receivables.get(receivableId);
  if (!known) throw new Error(`receivable ${receivableId} was never recorded`);
  return new Map(receivables).set(receivableId, { ...known, openPoints: subtractPoints(known.openPoints, points) });
}

/**
 * What a new grant repays, the oldest receivable first: never more than the share of the grant (rounded down) nor the
 * cap. Only what is owed to the owner of the grant: one owner's points do not pay another's claims. Trials pay nothing.
 */
export function repaymentsFrom(
  receivables: Iterable<Receivable>,
  grant: DataOf<'PointsGranted'>,
  rule: RepaymentRule,
): readonly DataOf<'ReceivableRepaid'>[] {
  if (grant.dryRun) return [];
  // Divided first: a share of the largest grant stays a safe integer.
  const { amountPoints } = grant;
  const share = Math.floor(amountPoints / 100) * rule.sharePercent;
  let left = Math.min(share + Math.floor(((amountPoints % 100) * rule.sharePercent) / 100), rule.pointsMax);
  const repayments: DataOf<'ReceivableRepaid'>[] = [];
  for (const { receivableId, lotId, fundId, ownerId, openPoints } of receivables) {
    const points = Math.min(left, openPoints);
    if (points === 0 || ownerId !== grant.ownerId) continue;
    left -= points;
    repayments.push({
      personId: grant.personId,
      receivableId,
      lotId,
      fundId,
      ownerId,
      payingLotId: grant.lotId,
      payingFundId: grant.fundId,
      payingOwnerId: grant.ownerId,
      points,
    });
  }
  return repayments;
}
