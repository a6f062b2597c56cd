import { type EventLog, PostgresEventLog, RoutedLogs, readRoutes } from '@tsunagu/event-store';
import type { Clock } from '@tsunagu/kernel';
import { type ServiceDefinition, servicePool, versionsOf } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { DatabaseUrls } from '../database.js';
import { definitions } from '../services.js';

/** A service's logs and tables, opened as the owner for reading. */
export interface Store {
  readonly definition: ServiceDefinition;
  readonly pool: Pool;
  /** Streams of every log. */
  readonly log: EventLog;
  readonly logs: readonly EventLog[];
  /** Where each log lies. */
  readonly logPools: readonly Pool[];
}

export async function withStores<T>(
  databases: DatabaseUrls,
  clock: Clock,
  work: (stores: ReadonlyMap<string, Store>) => Promise<T>,
): Promise<T> {
  const stores = new Map<string, Store>();
  const pools: Pool[] = [];
  try {
    for (const definition of definitions) {
      const pool = servicePool({ url: databases.owner, schema: definition.schema, connectionsMax: 3 });
      pools.push(pool);
      stores.set(definition.name, await openStore(definition, pool));
    }
    return await work(stores);
  } finally {
    for (const { log } of stores.values()) await log.close();
    for (const pool of pools) await pool.end();
  }

  async function openStore(definition: ServiceDefinition, pool: Pool): Promise<Store> {
    const { schema, placeOf } = definition;
    const versions = versionsOf(definition);
    const logPools = [pool];
    const logs: EventLog[] = [await PostgresEventLog.open({ pool, clock, versions })];
    for (const { owner } of placeOf ? databases.ledgerLogs : []) {
      const further = servicePool({ url: owner, schema, connectionsMax: 2 });
      pools.push(further);
      logPools.push(further);
      logs.push(await PostgresEventLog.open({ pool: further, clock, versions, log: logs.length }));
    }
    const [only] = logs;
    const log = placeOf ? new RoutedLogs({ logs, placeOf, routes: await readRoutes(pool) }) : only;
    if (!log) throw new Error(`${definition.name} has no log`);
    return { definition, pool, log, logs, logPools };
  }
}

export function storeOf(stores: ReadonlyMap<string, Store>, name: string): Store {
  const store = stores.get(name);
  if (!store) throw new Error(`no store of ${name}`);
  return store;
}
