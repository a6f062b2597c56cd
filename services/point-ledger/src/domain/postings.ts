import type { AccountEvent, LotPart } from './account.js';
import type { FundEvent } from './fund.js';
import type { LeaseEvent } from './lease.js';

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
    default:
      return endingPostingsOf(event);
  }
}

interface Ending extends Of {
  readonly payingFundId: string;
  readonly payingOwnerId: string;
}

/** Postings of what ends a point's life, and of what lowers a fund. */
function endingPostingsOf({ type, data }: { readonly type: string; readonly data: unknown }): readonly Posting[] {
  const { fundId, ownerId, dryRun = false, points, payingFundId, payingOwnerId } = data as Ending;
  const of = { fundId, ownerId, dryRun, points };
  switch (type) {
    case 'PointsExpired':
      return [posting(of, 'available', 'expired')];
    case 'GrantReversed':
      return points === 0 ? [] : [posting(of, 'available', 'reversed')];
    case 'ReceivableRecorded':
      return [posting(of, 'receivable', 'recoverable')];
    case 'ReceivableWrittenOff':
      return [posting(of, 'recoverable', 'receivable')];
    case 'ReceivableRepaid': {
      const paid = posting({ ...of, fundId: payingFundId, ownerId: payingOwnerId }, 'available', 'repaid');
      return [{ ...paid, creditAccount: `fund:${fundId}:receivable` }];
    }
    case 'FundLowered':
      return [posting(of, 'undrawn', 'committed')];
    default:
      return [];
  }
}

type Of = Pick<Posting, 'fundId' | 'ownerId' | 'dryRun' | 'points'>;

/** Only real lots can be held: a dry-run lot is never exchangeable. */
function real(lot: LotPart) {
  return { fundId: lot.fundId, ownerId: lot.ownerId, dryRun: false, points: lot.points };
}

function posting(of: Of, debit: string, credit: string): Posting {
  const account = `${of.dryRun ? 'dryRun:' : ''}fund:${of.fundId}`;
  return { debitAccount: `${account}:${debit}`, creditAccount: `${account}:${credit}`, ...of };
}
