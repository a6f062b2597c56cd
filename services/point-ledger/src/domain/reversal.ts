import type { DataOf } from '@tsunagu/contracts';
import { type Account, lotOf } from './account.js';
import { isPastExpiry } from './lot.js';

/** An approved order to take a grant back. */
export interface ReversalOrder {
  readonly reversalId: string;
  readonly personId: string;
  readonly lotId: string;
  readonly reasonPattern: string;
}

export type ReversalDecision =
  /** Done before, by this very order or by another one. */
  | { readonly outcome: 'ignored' }
  | { readonly outcome: 'unknown_lot' }
  | {
      readonly outcome: 'decided';
      readonly event: { readonly type: 'GrantReversed'; readonly data: DataOf<'GrantReversed'> };
    };

/**
 * Takes a grant back: what is available of its lot at once, what was spent as a receivable. Points past their term count as
 * expired, whether that is recorded or not. Held points wait for the outcome of their exchange: what it gives back is
 * reversed then, what it captures becomes a receivable then (consequences.ts). The measure stays granted (I1): a person
 * whose grant was reversed does not claim it anew.
 */
export function decideReversal(account: Account, order: ReversalOrder, now: string): ReversalDecision {
  const lot = lotOf(account, order.lotId);
  if (!lot) return { outcome: 'unknown_lot' };
  if (lot.reversal) return { outcome: 'ignored' };
  const { reversalId, personId, reasonPattern } = order;
  const { lotId, fundId, ownerId, claimId, measureId, batchId, dryRun } = lot;
  const points = isPastExpiry(lot, now) ? 0 : lot.availablePoints;
  const receivablePoints = lot.exchangedPoints + lot.repaidPoints;
  const ids = { personId, reversalId, lotId, fundId, ownerId, claimId, measureId };
  const data = { ...ids, points, receivablePoints, reasonPattern, batchId, dryRun };
  return { outcome: 'decided', event: { type: 'GrantReversed', data } };
}

/** Gives up what is still open of a receivable. Undefined where nothing is. */
export function decideWriteOff(
  account: Account,
  order: { readonly personId: string; readonly receivableId: string; readonly reasonPattern: string },
): { readonly type: 'ReceivableWrittenOff'; readonly data: DataOf<'ReceivableWrittenOff'> } | undefined {
  const receivable = account.receivables.get(order.receivableId);
  if (!receivable || receivable.openPoints === 0) return undefined;
  const { receivableId, lotId, fundId, ownerId, openPoints: points } = receivable;
  const { personId, reasonPattern } = order;
  return {
    type: 'ReceivableWrittenOff',
    data: { personId, receivableId, lotId, fundId, ownerId, points, reasonPattern },
  };
}
