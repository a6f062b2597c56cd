import { readdir, readFile } from 'node:fs/promises';
import { eventStoreMigrations, PostgresEventLog } from '@tsunagu/event-store';
import { realClock } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import type { FeedBench } from './feed-suite.js';

/** Opens an empty database: `testDatabase` of the testing library, which only specs may import. */
export type OpenDatabase = () => Promise<{ readonly pool: Pool; close(): Promise<void> }>;

/** A producer's log and, in another database, the tables of a consumer. */
export async function openBench(testDatabase: OpenDatabase, number = 0): Promise<Omit<FeedBench, 'openFeed'>> {
  const producer = await testDatabase();
  const consumer = await testDatabase();
  await migrate(producer.pool, eventStoreMigrations);
  await migrate(consumer.pool, new URL('../migrations/', import.meta.url));
  const log = await PostgresEventLog.open({ pool: producer.pool, clock: realClock, log: number });
  return {
    log,
    database: consumer.pool,
    close: async () => {
      await log.close();
      await Promise.all([producer.close(), consumer.close()]);
    },
  };
}

async function migrate(pool: Pool, directory: URL): Promise<void> {
  for (const file of (await readdir(directory)).sort()) {
    await pool.query(await readFile(new URL(file, directory), 'utf8'));
  }
}
