import { ConfigError, type Environment, numberSetting, textSetting } from '@tsunagu/service-host';
import type { AccountKind } from './files/zengin.js';

/** Who pays for an owner's exchanges: the header of its transfer files. */
export interface PayerSettings {
  /** Given by the payer's bank. */
  readonly clientCode: string;
  /** Kana; full-width is converted. */
  readonly clientName: string;
  readonly bankCode: string;
  readonly branchCode: string;
  readonly accountKind: AccountKind;
  readonly accountNumber: string;
}

export interface ExchangeConfig {
  /** Hosts that calls to providers may go to; loopback where nothing is set, which only the test profile may call. */
  readonly providerHosts: readonly string[];
  /** An outcome that stays unknown so long is for people to look at. */
  readonly reviewAfterHours: number;
  /** A step of the ledger that has not come by then is asked for, and an alarm is raised. */
  readonly ledgerOverdueSeconds: number;
  /** Real time between two looks for exchanges that nobody works on. */
  readonly sweepSeconds: number;
  /** Pause between two looks for bank accounts that an older master key seals. */
  readonly rewrapSeconds: number;
  readonly payers: Readonly<Record<string, PayerSettings>>;
}

/** The test profile's owner: a bank and branch that exist, an account that does not. */
export const demoPayer: PayerSettings = {
  clientCode: '0000000001',
  clientName: 'ツナグデモ',
  bankCode: '0001',
  branchCode: '001',
  accountKind: 'ordinary',
  accountNumber: '0000001',
};

export function readConfig(env: Environment): ExchangeConfig {
  return {
    providerHosts: textSetting(env, 'TSUNAGU_PROVIDER_HOSTS', '127.0.0.1,localhost,[::1]')
      .split(',')
      .map((host) => host.trim().toLowerCase())
      .filter((host) => host !== ''),
    reviewAfterHours: numberSetting(env, 'TSUNAGU_EXCHANGE_REVIEW_HOURS', { fallback: 72, min: 1, max: 8760 }),
    ledgerOverdueSeconds: numberSetting(env, 'TSUNAGU_EXCHANGE_OVERDUE_SECONDS', { fallback: 30, min: 1, max: 86_400 }),
    sweepSeconds: numberSetting(env, 'TSUNAGU_EXCHANGE_SWEEP_SECONDS', { fallback: 15, min: 1, max: 3600 }),
    rewrapSeconds: numberSetting(env, 'TSUNAGU_REWRAP_SECONDS', { fallback: 60, min: 1, max: 86_400 }),
    payers: payers(env.TSUNAGU_PAYERS?.trim() || '{}'),
  };
}

/** `TSUNAGU_PAYERS`: a JSON object of PayerSettings by owner. */
function payers(text: string): Readonly<Record<string, PayerSettings>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConfigError('TSUNAGU_PAYERS must be a JSON object of payers by owner.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigError('TSUNAGU_PAYERS must be a JSON object of payers by owner.');
  for (const [ownerId, payer] of Object.entries(value)) {
    if (!isPayer(payer))
      throw new ConfigError(
        `TSUNAGU_PAYERS: the payer of ${ownerId} needs clientCode, clientName, bankCode, branchCode, accountKind (ordinary, current or other) and accountNumber.`,
      );
  }
  return value as Record<string, PayerSettings>;
}

function isPayer(value: unknown): value is PayerSettings {
  const payer = (value ?? {}) as Record<string, unknown>;
  const fits = (field: string, form: RegExp) => typeof payer[field] === 'string' && form.test(payer[field]);
  return (
    fits('clientCode', /^\d{1,10}$/) &&
    fits('clientName', /^.{1,40}$/u) &&
    fits('bankCode', /^\d{4}$/) &&
    fits('branchCode', /^\d{3}$/) &&
    fits('accountKind', /^(ordinary|current|other)$/) &&
    fits('accountNumber', /^\d{1,7}$/)
  );
}
