import { choiceSetting, type Environment, numberSetting } from '@tsunagu/service-host';
import type { AccountRules } from './domain/consequences.js';
import { listRowsMax } from './domain/list-rows.js';

export interface LedgerConfig {
  /** After so long without an outcome, the ledger asks a hold's owner what became of it. */
  readonly holdAskSeconds: number;
  /** Seconds between two rounds of the sweepers, real time. */
  readonly sweepSeconds: number;
  /** What follows on an account by rule: repayment of what is owed, points that a hold gives back after their term. */
  readonly rules: AccountRules;
  /** Whether lowering a fund needs a second person; by the profile: on in production, off in the test profile. */
  readonly approvals: 'on' | 'off' | 'by_profile';
  /** Rows of one list; never more than the limit of the domain. */
  readonly listRowsMax: number;
}

/** Settings of the point ledger, from the environment. */
export function readConfig(env: Environment): LedgerConfig {
  return {
    holdAskSeconds: numberSetting(env, 'LEDGER_HOLD_ASK_SECONDS', { fallback: 600, min: 1, max: 86_400 }),
    sweepSeconds: numberSetting(env, 'LEDGER_SWEEP_SECONDS', { fallback: 15, min: 1, max: 3_600 }),
    rules: {
      repayment: {
        sharePercent: numberSetting(env, 'LEDGER_REPAYMENT_SHARE_PERCENT', { fallback: 50, min: 0, max: 100 }),
        pointsMax: numberSetting(env, 'LEDGER_REPAYMENT_POINTS_MAX', { fallback: 5_000, min: 0, max: 1_000_000_000 }),
      },
      // A year at most: longer is an extension, which a second person approves.
      releaseGraceHours: numberSetting(env, 'LEDGER_RELEASE_GRACE_HOURS', { fallback: 0, min: 0, max: 8_784 }),
    },
    approvals: choiceSetting(env, 'TSUNAGU_APPROVALS', ['on', 'off', 'by_profile'] as const, 'by_profile'),
    listRowsMax: numberSetting(env, 'LEDGER_LIST_ROWS_MAX', { fallback: listRowsMax, min: 1, max: listRowsMax }),
  };
}
