import type { DataOf } from '@tsunagu/contracts';
import { isoTime } from '@tsunagu/kernel';
import type { Account, AccountEvent } from './account.js';
import { expiryOf } from './expiry.js';

const HOUR_MS = 3_600_000;

/** A claim as the ledger decides it: the accepted claim, or a row of a list, which says so. */
export type GrantOrder = DataOf<'ClaimAccepted'> & {
  /** The list. */
  readonly batchId?: string;
  /** The points are seen at once and can be used so long after their grant. */
  readonly usableAfterHours?: number;
};

/** What is at hand to pay a claim from: the worker's lease of the fund, and, where that was too small, what else was seen. */
export type Funding =
  | { readonly known: false }
  | {
      readonly known: true;
      readonly ownerId: string;
      readonly dryRun: boolean;
      /** Rest of the worker's own lease. */
      readonly restPoints: number;
      /** Read from the fund's stream; undefined where the own rest covered all and nobody looked. */
      readonly elsewhere: { readonly unleasedPoints: number; readonly othersOpen: boolean } | undefined;
    };

export type GrantDecision =
  /** Decided before: a message that came again. */
  | { readonly outcome: 'ignored' }
  /** Another lease of the fund is open, or more of it can be leased: neither a grant nor a refusal yet. */
  | { readonly outcome: 'waits' }
  | { readonly outcome: 'decided'; readonly event: Extract<AccountEvent, { type: 'PointsGranted' | 'GrantRefused' }> };

/**
 * Decides one claim on the folded account (I1) and the funding at hand (I4). `lotId` names the lot if there is one.
 * `fund_exhausted` is decided only when no other lease is open and all that is left is less than the amount.
 */
export function decideGrant(
  account: Account,
  order: GrantOrder,
  funding: Funding,
  lotId: string,
  now: string,
): GrantDecision {
  if (isDecided(account, order)) return { outcome: 'ignored' };
  if (account.measures.has(order.measureId)) return refused(order, 'already_granted', false);
  if (order.amountPoints < 1) return refused(order, 'amount_invalid', false);
  if (!funding.known) return refused(order, 'fund_unknown', false);
  if (funding.dryRun !== order.dryRun) return refused(order, 'fund_mismatch', false);
  if (order.amountPoints <= funding.restPoints) return granted(order, funding.ownerId, lotId, now);
  const { elsewhere } = funding;
  if (!elsewhere || elsewhere.othersOpen) return { outcome: 'waits' };
  if (funding.restPoints + elsewhere.unleasedPoints >= order.amountPoints) return { outcome: 'waits' };
  return refused(order, 'fund_exhausted', true);
}

/** Whether this attempt of this claim has its decision on the account already. */
export function isDecided(account: Account, order: GrantOrder): boolean {
  const decision = account.claims.get(order.claimId);
  return decision !== undefined && (decision.granted || decision.attempt >= order.attempt);
}

function granted(order: GrantOrder, ownerId: string, lotId: string, now: string): GrantDecision {
  const { claimId, personId, campaignId, measureId, fundId, amountPoints, attempt, dryRun } = order;
  return {
    outcome: 'decided',
    event: {
      type: 'PointsGranted',
      data: {
        claimId,
        personId,
        campaignId,
        measureId,
        lotId,
        fundId,
        ownerId,
        amountPoints,
        attempt,
        grantedAt: now,
        expiresAt: expiryOf(order, now),
        dryRun,
        legalClass: 'free',
        usableFrom: usableFromOf(order, now),
        batchId: order.batchId ?? null,
      },
    },
  };
}

function usableFromOf({ usableAfterHours }: GrantOrder, now: string): string | null {
  return usableAfterHours ? isoTime(Date.parse(now) + usableAfterHours * HOUR_MS) : null;
}

function refused(order: GrantOrder, reasonCode: string, curable: boolean): GrantDecision {
  const { claimId, personId, measureId, fundId, attempt, batchId } = order;
  const data = { claimId, personId, measureId, fundId, attempt, reasonCode, curable, ...(batchId ? { batchId } : {}) };
  return { outcome: 'decided', event: { type: 'GrantRefused', data } };
}
