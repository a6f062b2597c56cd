import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';

/** What a database says of itself. */
export interface LogIdentity {
  readonly ledgerId: string;
  readonly log: number;
}

/**
 * Which log of which ledger a database holds; recorded at the first call for ever. `ledgerId` is that of log 0, which
 * makes one up. A database that says something else than what was asked for has got a wrong connection string.
 */
export async function identifyLog(pool: Pool, log: number, ledgerId: string = randomUUID()): Promise<LogIdentity> {
  await pool.query('insert into log_identity (ledger_id, log) values ($1, $2) on conflict do nothing', [ledgerId, log]);
  const { rows } = await pool.query<LogIdentity>('select ledger_id as "ledgerId", log from log_identity');
  const [found] = rows;
  if (!found) throw new Error('a log without an identity');
  return found;
}
