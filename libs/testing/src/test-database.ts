import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';

/** Where jest's globalSetup started the one server of a run. */
export const testPostgresUrl = 'TSUNAGU_TEST_POSTGRES_URL';

export interface TestDatabase {
  /** Superuser. */
  readonly url: string;
  readonly pool: Pool;
  /** Drops it, with whatever is still connected. */
  close(): Promise<void>;
}

/** A fresh, empty database on the server of this test run. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = process.env[testPostgresUrl];
  if (!server)
    throw new Error(`${testPostgresUrl} is not set: run the spec through jest, whose globalSetup starts PostgreSQL`);
  const name = `test_${process.pid}_${randomBytes(5).toString('hex')}`;
  await onServer(server, `CREATE DATABASE ${name} STRATEGY file_copy`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const pool = new Pool({ connectionString: url.href, max: 20 });
  pool.on('error', () => {});
  return {
    url: url.href,
    pool,
    async close() {
      await pool.end();
      await onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
