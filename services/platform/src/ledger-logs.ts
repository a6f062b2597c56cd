import { logSettings } from '@tsunagu/service-host';
import { UserError } from './user-error.js';

/**
 * The point ledger's logs besides log 0, which lies in its own database: so many databases of the platform's server, or
 * databases elsewhere, by the service's role and by the role that owns them.
 */
export type LedgerLogs =
  | { readonly count: number }
  | { readonly services: readonly string[]; readonly owners: readonly string[] };

export const oneLedgerLog: LedgerLogs = { count: 1 };

/** As many as a worker keeps leases for, and connections to, without a thought. */
const COUNT_MAX = 32;

/** LEDGER_LOGS: a number of logs in all, or the connection strings of log 1, 2, …; undefined where it says nothing. */
export function readLedgerLogs(env: NodeJS.ProcessEnv): LedgerLogs | undefined {
  const text = env.LEDGER_LOGS?.trim() ?? '';
  if (text === '') return undefined;
  if (/^\d+$/.test(text)) {
    const count = Number(text);
    if (count < 1 || count > COUNT_MAX) throw new UserError(`LEDGER_LOGS is ${text}; it must be 1 to ${COUNT_MAX}.`);
    return { count };
  }
  const services = logSettings(env, 'LEDGER_LOGS');
  const owners = logSettings(env, 'OWNER_LEDGER_LOGS');
  if (services.length !== owners.length) {
    throw new UserError('LEDGER_LOGS and OWNER_LEDGER_LOGS must name the same databases in the same order.');
  }
  return { services, owners };
}

export function ledgerLogCount(logs: LedgerLogs): number {
  return 'count' in logs ? logs.count : logs.services.length + 1;
}
