import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../postgres/transaction.js';
import { copyRoutes } from './route-copy.js';
import { oneLog, type RoutingEntry, type RoutingTable } from './routing-table.js';

/** An entry as recorded, confirmed or not. */
export interface RecordedEntry extends RoutingEntry {
  readonly isConfirmed: boolean;
}

export interface RouteRecords {
  /** In the order proposed. */
  readonly entries: readonly RecordedEntry[];
  /** No process has routed a key with a later time without having looked again. */
  readonly horizonMs: number;
}

/** A running process, by what it last said. */
export interface RouteHolder {
  readonly process: string;
  readonly version: number;
  readonly silentSeconds: number;
}

/** A process that has said nothing for so long (the server's clock) is not waited for. */
export const silentSecondsMax = 60;

/** An entry must begin so far ahead of the clock. */
export const leadMsMin = 3_600_000;
const leadMsMax = 30 * 24 * 3_600_000;

/** What a routing table is made of: the confirmed entries, and one log before the first of them. */
export function tableOf(entries: readonly RecordedEntry[]): RoutingTable {
  const confirmed = entries.filter(({ isConfirmed }) => isConfirmed);
  return confirmed[0]?.validFromMs === 0 ? confirmed : [...oneLog, ...confirmed];
}

/** The entry that may still be confirmed: the newest, as long as no process can have routed a key that it is about. */
export function pendingOf({ entries, horizonMs }: RouteRecords): RecordedEntry | undefined {
  const newest = entries.at(-1);
  return newest && !newest.isConfirmed && newest.validFromMs > horizonMs ? newest : undefined;
}

export async function readRecords(client: Pool | PoolClient): Promise<RouteRecords> {
  const { horizon, entries } = await copyRoutes(client);
  return {
    horizonMs: Date.parse(horizon),
    entries: entries.map(({ version, validFrom, logs, confirmedAt }) => {
      return { version, validFromMs: Date.parse(validFrom), logs, isConfirmed: confirmedAt !== null };
    }),
  };
}

export async function readHolders(pool: Pool): Promise<readonly RouteHolder[]> {
  const { rows } = await pool.query<RouteHolder>(
    `select process, version, extract(epoch from clock_timestamp() - seen_at)::float8 as "silentSeconds"
       from log_route_holders order by seen_at desc`,
  );
  return rows;
}

export interface RouteProposal {
  readonly validFromMs: number;
  readonly logs: readonly number[];
  /** Who asks, as events name an actor. */
  readonly by: string;
  readonly nowMs: number;
}

/**
 * Records an entry for the running processes to take up. It takes the place of one that is still waiting for them. Gives
 * its version, or a sentence about what is wrong with it.
 */
export async function proposeRoute(pool: Pool, proposal: RouteProposal): Promise<number | string> {
  const { validFromMs, logs, by, nowMs } = proposal;
  if (logs.length === 0 || new Set(logs).size < logs.length) return 'the logs must be named once each';
  if (!logs.every((log) => Number.isInteger(log) && log >= 0)) return 'a log is named by a whole number from 0';
  if (!(validFromMs >= nowMs + leadMsMin)) return 'it must begin at least an hour from now';
  if (validFromMs > nowMs + leadMsMax) return 'it must begin within 30 days';
  return inTransaction(pool, async (client) => {
    await client.query('select from log_route_horizon for update');
    const { entries, horizonMs } = await readRecords(client);
    const last = entries.findLast(({ isConfirmed }) => isConfirmed);
    if (last && validFromMs <= last.validFromMs) return 'it must begin after the last confirmed entry';
    if (validFromMs <= horizonMs) return 'keys of that time may have been routed already';
    const version = (entries.at(-1)?.version ?? 0) + 1;
    await client.query('insert into log_routes values ($1, $2, $3, $4, $5)', [
      version,
      new Date(validFromMs),
      logs,
      new Date(nowMs),
      by,
    ]);
    return version;
  });
}
