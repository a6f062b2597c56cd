import { type EventLog, PostgresEventLog } from '@tsunagu/event-store';
import type { Clock } from '@tsunagu/kernel';
import { type ServiceDefinition, servicePool, versionsOf } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { DatabaseUrls } from '../database.js';
import { definitions } from '../services.js';

/** A service's log and tables, opened as the owner for reading. */
export interface Store {
  readonly definition: ServiceDefinition;
  readonly pool: Pool;
  readonly log: EventLog;
}

export async function withStores<T>(
  databases: DatabaseUrls,
  clock: Clock,
  work: (stores: ReadonlyMap<string, Store>) => Promise<T>,
): Promise<T> {
  const stores = new Map<string, Store>();
  try {
    for (const definition of definitions) {
      const pool = servicePool({ url: databases.owner, schema: definition.schema, connectionsMax: 3 });
      const log = await PostgresEventLog.open({ pool, clock, versions: versionsOf(definition) });
      stores.set(definition.name, { definition, pool, log });
    }
    return await work(stores);
  } finally {
    for (const { log, pool } of stores.values()) {
      await log.close();
      await pool.end();
    }
  }
}

export function storeOf(stores: ReadonlyMap<string, Store>, name: string): Store {
  const store = stores.get(name);
  if (!store) throw new Error(`no store of ${name}`);
  return store;
}
