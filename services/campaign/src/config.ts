import { type Environment, numberSetting } from '@tsunagu/service-host';

export interface CampaignConfig {
  /** How long the ledger may take for a claim before somebody asks. */
  readonly claimDeadlineSeconds: number;
  /** Pause between two looks at overdue claims. */
  readonly sweepSeconds: number;
}

export function campaignConfig(env: Environment): CampaignConfig {
  return {
    claimDeadlineSeconds: numberSetting(env, 'CAMPAIGN_CLAIM_DEADLINE_SECONDS', { fallback: 60, min: 1, max: 86_400 }),
    sweepSeconds: numberSetting(env, 'CAMPAIGN_SWEEP_SECONDS', { fallback: 10, min: 1, max: 3_600 }),
  };
}
