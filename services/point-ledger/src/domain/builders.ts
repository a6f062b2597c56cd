import type { DataOf } from '@tsunagu/contracts';
import type { AccountEvent } from './account.js';
import type { GrantOrder } from './grant.js';
import type { HoldRequest } from './hold.js';

/** Facts for unit specs, by default values. */

export const now = '2026-11-20T01:00:00.000Z';
export const personId = 'person';

export function order(overrides: Partial<GrantOrder> = {}): GrantOrder {
  return {
    claimId: 'claim',
    personId,
    campaignId: 'campaign',
    measureId: 'measure',
    programmeId: 'default',
    fundId: 'fund',
    amountPoints: 1_000,
    ruleVersion: 1,
    attempt: 1,
    dryRun: false,
    pointsExpireAt: null,
    pointsExpireAfterMonths: null,
    answers: [],
    receiptNumber: 'R',
    ...overrides,
  };
}

export function granted(overrides: Partial<DataOf<'PointsGranted'>> = {}): AccountEvent {
  return {
    type: 'PointsGranted',
    data: {
      claimId: 'claim',
      personId,
      campaignId: 'campaign',
      measureId: 'measure',
      lotId: 'lot',
      fundId: 'fund',
      ownerId: 'demo',
      amountPoints: 1_000,
      attempt: 1,
      grantedAt: now,
      expiresAt: null,
      dryRun: false,
      legalClass: 'free',
      usableFrom: null,
      batchId: null,
      ...overrides,
    },
  };
}

export function refused(overrides: Partial<DataOf<'GrantRefused'>> = {}): AccountEvent {
  const ids = { claimId: 'claim', personId, measureId: 'measure', fundId: 'fund' };
  return {
    type: 'GrantRefused',
    data: { ...ids, attempt: 1, reasonCode: 'fund_exhausted', curable: true, ...overrides },
  };
}

/** Of the lot that `granted` makes: wholly from what is left of it unless said. */
export function reversed(overrides: Partial<DataOf<'GrantReversed'>> = {}): AccountEvent {
  const ids = { reversalId: 'reversal', personId, lotId: 'lot', fundId: 'fund', ownerId: 'demo' };
  const of = { claimId: 'claim', measureId: 'measure', batchId: null, dryRun: false };
  return {
    type: 'GrantReversed',
    data: { ...ids, ...of, points: 1_000, receivablePoints: 0, reasonPattern: 'fraud', ...overrides },
  };
}

export function request(overrides: Partial<HoldRequest> = {}): HoldRequest {
  const ids = { exchangeId: 'exchange', personId, linkId: 'link', providerId: 'sim-pay' };
  return { ...ids, points: 100, payingOwnerIds: ['demo'], ...overrides };
}
