import { type EventLog, identifyLog, PostgresEventLog, RoutedLogs, StoredRoutes } from '@tsunagu/event-store';
import type { Clock } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { ConfigError } from './config.js';
import { servicePool } from './migrate.js';
import { type ServiceDefinition, versionsOf } from './parts.js';

/** Reads of one further log; it appends over two connections more. */
const CONNECTIONS_MAX = 8;

export interface OpenLogsOptions {
  readonly definition: ServiceDefinition;
  /** The service's own database: log 0 lies there, and the routing table. */
  readonly database: Pool;
  /** Connection strings of log 1, 2, … */
  readonly furtherLogs: readonly string[];
  readonly clock: Clock;
  readonly logger?: Logger;
  /** Between two looks at the routing table; the store's default where absent. */
  readonly lookEveryMs?: number;
}

/** What ServiceParts wants to know of a service's logs. */
export interface OpenedLogs {
  readonly log: EventLog;
  readonly logs: readonly EventLog[];
  logReasons(): readonly string[];
  /** Closes the logs and the connections made for them; the service's own database is the caller's. */
  close(): Promise<void>;
}

/**
 * Opens every log of a service in this process. Throws ConfigError where a connection string leads to another log than its
 * place says or to a standby, or keys lie in a log that none is named for.
 */
export async function openLogs(options: OpenLogsOptions): Promise<OpenedLogs> {
  const { definition, database, furtherLogs, clock, logger } = options;
  const { name, schema, placeOf } = definition;
  const versions = versionsOf(definition);
  if (!placeOf) {
    if (furtherLogs.length > 0) throw new ConfigError(`${definition.name} has one log.`);
    await refuseStandby(name, database, 0);
    const log = await PostgresEventLog.open({ pool: database, clock, versions });
    return { log, logs: [log], logReasons: () => troublesOf([log]), close: () => log.close() };
  }
  const pools = furtherLogs.map((url) => servicePool({ url, schema, connectionsMax: CONNECTIONS_MAX }));
  const logs: PostgresEventLog[] = [];
  let routes: StoredRoutes | undefined;
  const close = async () => {
    await routes?.close();
    await Promise.all(logs.map((log) => log.close()));
    await Promise.all(pools.map((pool) => pool.end()));
  };
  try {
    for (const [log, pool] of [database, ...pools].entries()) await refuseStandby(name, pool, log);
    await checkIdentities([database, ...pools]);
    for (const [log, pool] of [database, ...pools].entries()) {
      logs.push(await PostgresEventLog.open({ pool, clock, log, versions }));
    }
    const onError = (error: unknown) => logger?.warn({ err: error }, 'the routing table could not be looked at');
    const { lookEveryMs } = options;
    const numbers = logs.map(({ log }) => log);
    const opened = await StoredRoutes.open({ pool: database, clock, openLogs: numbers, lookEveryMs, onError });
    routes = opened;
    const missing = () => opened.missingLogs.map((log) => `log ${log} is not open here: LEDGER_LOGS must name it`);
    if (missing().length > 0) throw new ConfigError(`Points lie in ${logs.length} logs and more: ${missing()[0]}.`);
    const logReasons = () => [...missing(), ...troublesOf(logs)];
    return { log: new RoutedLogs({ logs, routes, placeOf }), logs, logReasons, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A standby lags and takes no events: what is decided on it would be decided on an old state. */
async function refuseStandby(name: string, pool: Pool, log: number): Promise<void> {
  const { rows } = await pool.query<{ is_standby: boolean }>('select pg_is_in_recovery() as is_standby');
  if (!rows[0]?.is_standby) return;
  throw new ConfigError(
    `Log ${log} of ${name} lies on a standby of PostgreSQL, which takes no events: name its primary.`,
  );
}

function troublesOf(logs: readonly PostgresEventLog[]): readonly string[] {
  return logs.flatMap((log) => {
    const trouble = log.trouble();
    return trouble === undefined ? [] : [`nothing can be recorded in log ${log.log}: ${trouble}`];
  });
}

async function checkIdentities(pools: readonly Pool[]): Promise<void> {
  let ledgerId: string | undefined;
  for (const [log, pool] of pools.entries()) {
    const found = await identifyLog(pool, log, ledgerId);
    if (found.log !== log) {
      throw new ConfigError(`LEDGER_LOGS names a database that is log ${found.log} as log ${log}.`);
    }
    ledgerId ??= found.ledgerId;
    if (found.ledgerId !== ledgerId) throw new ConfigError(`LEDGER_LOGS names as log ${log} a log of another ledger.`);
  }
}
