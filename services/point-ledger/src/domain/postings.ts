import type { AccountEvent } from './account.js';
import type { FundEvent } from './fund.js';
import type { LeaseEvent } from './lease.js';
import type { LotPart } from './lot.js';

export type LedgerEvent = AccountEvent | FundEvent | LeaseEvent;

/** One movement of points: the same number debited and credited, so that the postings of an event always sum to zero. */
export interface Posting {
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly points: number;
  readonly fundId: string;
  readonly ownerId: string;
  readonly dryRun: boolean;
}

/** The postings of a ledger event, one a lot (DESIGN: double entry). Leases and draws are guards and post nothing. */
export function postingsOf(event: { readonly type: string; readonly data: unknown }): readonly Posting[] {
  const known = event as LedgerEvent;
  switch (known.type) {
    case 'FundCommitted': {
      const { fundId, ownerId, dryRun, amountPoints } = known.data;
      return [posting({ fundId, ownerId, dryRun, points: amountPoints }, 'committed', 'undrawn')];
    }
    case 'PointsGranted': {
      const { fundId, ownerId, dryRun, amountPoints } = known.data;
      return [posting({ fundId, ownerId, dryRun, points: amountPoints }, 'undrawn', 'available')];
    }
    case 'PointsHeld':
      return known.data.lots.map((lot) => posting(real(lot), 'available', 'held'));
    case 'HoldReleased':
      return known.data.lots.map((lot) => posting(real(lot), 'held', 'available'));
    case 'HoldCaptured': {
      const { providerId, lots } = known.data;
      return lots.map((lot) => ({
        ...posting(real(lot), 'held', 'exchanged'),
        creditAccount: `provider:${providerId}:fund:${lot.fundId}:exchanged`,
      }));
    }
    case 'PointsExpired':
      return [posting(known.data, 'available', 'expired')];
    case 'GrantReversed':
      return known.data.points === 0 ? [] : [posting(known.data, 'available', 'reversed')];
    case 'ReceivableRecorded':
      return [posting(real(known.data), 'receivable', 'recoverable')];
    case 'ReceivableWrittenOff':
      return [posting(real(known.data), 'recoverable', 'receivable')];
    case 'ReceivableRepaid': {
      const { fundId, payingFundId, payingOwnerId, points } = known.data;
      const paid = posting(real({ fundId: payingFundId, ownerId: payingOwnerId, points }), 'available', 'repaid');
      return [{ ...paid, creditAccount: `fund:${fundId}:receivable` }];
    }
    case 'FundLowered':
      return [posting(known.data, 'undrawn', 'committed')];
    default:
      return [];
  }
}

/** Only real lots can be held, owed or pay: a dry-run lot is never exchangeable. */
function real(lot: Omit<LotPart, 'lotId'>) {
  return { ...lot, dryRun: false };
}

function posting(
  of: Pick<Posting, 'fundId' | 'ownerId' | 'dryRun' | 'points'>,
  debit: string,
  credit: string,
): Posting {
  const { fundId, ownerId, dryRun, points } = of;
  const account = `${dryRun ? 'dryRun:' : ''}fund:${fundId}`;
  return {
    debitAccount: `${account}:${debit}`,
    creditAccount: `${account}:${credit}`,
    fundId,
    ownerId,
    dryRun,
    points,
  };
}
