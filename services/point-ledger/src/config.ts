import { type Environment, numberSetting } from '@tsunagu/service-host';

export interface LedgerConfig {
  /** After so long without an outcome, the ledger asks a hold's owner what became of it. */
  readonly holdAskSeconds: number;
  /** Seconds between two rounds of the sweepers, real time. */
  readonly sweepSeconds: number;
}

/** Settings of the point ledger, from the environment. */
export function readConfig(env: Environment): LedgerConfig {
  return {
    holdAskSeconds: numberSetting(env, 'LEDGER_HOLD_ASK_SECONDS', { fallback: 600, min: 1, max: 86_400 }),
    sweepSeconds: numberSetting(env, 'LEDGER_SWEEP_SECONDS', { fallback: 15, min: 1, max: 3_600 }),
  };
}
