import type { Answer } from './eligibility.js';
import type { GrantOrder, LedgerAnswer } from './entitlement.js';

/** One claim for specs of what ends it and lets it go on. */
export const personId = '019ab3f0-6c00-7000-8000-000000000001';
export const claimId = '019ab3f0-6c00-7000-8000-0000000000c1';
export const measureId = '019ab3f0-6c00-7000-8000-0000000000e1';
export const fundId = '019ab3f0-6c00-7000-8000-0000000000f1';
export const campaignId = '019ab3f0-6c00-7000-8000-0000000000d1';

export function orderOf(answers: Answer[]): GrantOrder {
  return {
    claimId,
    personId,
    campaignId,
    measureId,
    programmeId: 'default',
    fundId,
    amountPoints: 11_000,
    ruleVersion: 1,
    attempt: 1,
    dryRun: false,
    pointsExpireAt: null,
    pointsExpireAfterMonths: 6,
    answers,
    receiptNumber: 'R-VHFF-AAM9-BBEU-ATMQ',
  };
}

/** By the ledger, of its first attempt. */
export function refusalAt(effectiveAt: string): LedgerAnswer {
  const ids = { claimId, personId, measureId, fundId };
  return {
    type: 'GrantRefused',
    data: { ...ids, attempt: 1, reasonCode: 'fund_exhausted', curable: true },
    effectiveAt,
  };
}
