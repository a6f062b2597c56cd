import { randomUUID } from 'node:crypto';
import type { Clock } from '@tsunagu/kernel';
import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../postgres/transaction.js';
import { pendingOf, type RecordedEntry, readRecords, silentSecondsMax, tableOf } from './route-records.js';
import type { Routes } from './routed-logs.js';
import { logOfKey, logsOf, oneLog, type RoutingTable, timeOfKey } from './routing-table.js';

/** A look at the table is good for keys up to so far ahead of the clock: longer than log 0's database is ever away. */
const horizonMsAhead = 15 * 60_000;
const lookEveryMsDefault = 5_000;

export interface StoredRoutesOptions {
  /** Of log 0's database, where the table lies. */
  readonly pool: Pool;
  readonly clock: Clock;
  /** The logs that this process has open, in number order. */
  readonly openLogs: readonly number[];
  /** Milliseconds between two looks at the table, real time. Default 5 s. */
  readonly lookEveryMs?: number | undefined;
  readonly onError?: (error: unknown) => void;
}

/**
 * The routing table as one running process holds it.
 *
 * No two processes can disagree on a key. Every look at the table and every confirmation of an entry takes the row lock
 * of the horizon, so they have one order. A look moves the horizon, and the process routes only keys with times up to the
 * horizon it saw. An entry is confirmed only while its validFrom lies past the horizon. So a process that has not seen a
 * confirmation looked before it, holds a horizon before the entry's validFrom, and must look again before it routes the
 * first key that the entry is about. This needs no clock to be right: clocks decide only how often to look.
 *
 * The reports of the running processes are for another end: an entry that is confirmed can be served by all of them.
 */
export class StoredRoutes implements Routes {
  readonly process = randomUUID();
  private table: RoutingTable = oneLog;
  private horizonMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private isClosed = false;

  private constructor(private readonly options: StoredRoutesOptions) {}

  /** Looks at the table for the first time, then now and then. Rejects where the table cannot be read. */
  static async open(options: StoredRoutesOptions): Promise<StoredRoutes> {
    const routes = new StoredRoutes(options);
    await routes.refresh();
    routes.lookLater();
    return routes;
  }

  logOf(key: string): number | undefined {
    return (timeOfKey(key) ?? 0) > this.horizonMs ? undefined : logOfKey(this.table, key);
  }

  /** Logs that keys lie in and that this process has not opened: it cannot serve them. */
  get missingLogs(): readonly number[] {
    return logsOf(this.table).filter((log) => !this.options.openLogs.includes(log));
  }

  /** The last version in force or to come. */
  get version(): number {
    return this.table.at(-1)?.version ?? 0;
  }

  /** A look that begins after the call; calls that wait for one share it. */
  refresh(): Promise<void> {
    this.next ??= (this.looking ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        this.looking = this.look();
        return this.looking;
      });
    return this.next;
  }

  /** Stops looking and takes this process off the list. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await (this.next ?? this.looking)?.catch(() => undefined);
    const { pool } = this.options;
    await pool.query('delete from log_route_holders where process = $1', [this.process]).catch(() => undefined);
  }

  private lookLater(): void {
    this.timer = setTimeout(() => {
      this.refresh()
        .catch((error: unknown) => this.options.onError?.(error))
        .finally(() => {
          if (!this.isClosed) this.lookLater();
        });
    }, this.options.lookEveryMs ?? lookEveryMsDefault).unref();
  }

  /** Only what was committed is taken over: a look whose answer is lost leaves the old horizon. */
  private async look(): Promise<void> {
    const { entries, horizonMs } = await inTransaction(this.options.pool, (client) => this.lookIn(client));
    this.table = tableOf(entries);
    this.horizonMs = horizonMs;
  }

  private async lookIn(client: PoolClient) {
    const { clock, openLogs } = this.options;
    const nowMs = clock.now();
    await client.query('select from log_route_horizon for update');
    const before = await readRecords(client);
    if (before.horizonMs === 0 && before.entries.length === 0 && openLogs.length > 1) await this.begin(client, nowMs);
    await client.query('update log_route_horizon set horizon = greatest(horizon, $1)', [
      new Date(nowMs + horizonMsAhead),
    ]);
    const seen = await readRecords(client);
    await this.report(client, seen.entries);
    const pending = pendingOf(seen);
    if (!pending || !(await isHeldByAll(client, pending.version))) return seen;
    await this.confirm(client, pending.version, nowMs);
    return readRecords(client);
  }

  /** The table of a ledger that has never routed nor recorded anything: all the logs it is given, from the beginning. */
  private async begin(client: PoolClient, nowMs: number): Promise<void> {
    const { rows } = await client.query<{ position: string }>('select position from log_head');
    if (rows[0]?.position !== '0') return;
    const epoch = new Date(0);
    const values = [epoch, this.options.openLogs, new Date(nowMs), 'service:point-ledger'];
    await client.query('insert into log_routes values (1, $1, $2, $3, $4)', values);
    await this.confirm(client, 1, nowMs);
  }

  private async confirm(client: PoolClient, version: number, nowMs: number): Promise<void> {
    await client.query('insert into log_route_confirmations values ($1, $2)', [version, new Date(nowMs)]);
  }

  private async report(client: PoolClient, entries: readonly RecordedEntry[]): Promise<void> {
    const { openLogs } = this.options;
    const held = entries.findLast(({ logs }) => logs.every((log) => openLogs.includes(log)))?.version ?? 0;
    await client.query(
      `insert into log_route_holders values ($1, $2, clock_timestamp())
       on conflict (process) do update set version = excluded.version, seen_at = excluded.seen_at`,
      [this.process, held],
    );
    await client.query(`delete from log_route_holders where seen_at < clock_timestamp() - interval '1 day'`);
  }
}

async function isHeldByAll(client: PoolClient, version: number): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>(
    `select count(*) > 0 and bool_and(version >= $1) as held from log_route_holders
      where seen_at > clock_timestamp() - make_interval(secs => $2)`,
    [version, silentSecondsMax],
  );
  return rows[0]?.held === true;
}

/** For those who only read, such as `verify`: they promise nothing, so they look again at any key past the horizon of others. */
export async function readRoutes(pool: Pool): Promise<Routes> {
  let table = oneLog;
  let horizonMs = 0;
  const refresh = async () => {
    const records = await readRecords(pool);
    table = tableOf(records.entries);
    horizonMs = records.horizonMs;
  };
  await refresh();
  return {
    logOf: (key) => ((timeOfKey(key) ?? 0) > horizonMs ? undefined : logOfKey(table, key)),
    refresh,
    close: async () => undefined,
  };
}

/** A table that is never added to, for benches and suites. */
export function fixedRoutes(table: RoutingTable): Routes {
  return { logOf: (key) => logOfKey(table, key), refresh: async () => undefined, close: async () => undefined };
}
