import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import { Pool } from 'pg';
import { startMs, write } from '../suite/place.js';
import { PostgresEventLog } from './postgres-log.js';
import { type TestSchema, testSchema } from './test-schema.js';

/** PostgreSQL keeps a plan for good after the fifth run of a prepared statement. */
const RUNS = 12;
/** So few that reading all of them looks cheap. */
const EVENTS = 60;

let database: TestDatabase;
let schema: TestSchema;
let pool: Pool;
let log: PostgresEventLog;
beforeAll(async () => {
  database = await testDatabase();
  schema = await testSchema(database);
  pool = new Pool({ connectionString: schema.serviceUrl, max: 1 });
  log = await PostgresEventLog.open({ pool, clock: { now: () => startMs } });
});
afterAll(async () => {
  await log.close();
  await pool.end();
  await schema.close();
  await database.close();
});

/** What the one connection of the pool has done to the table since its transaction began. */
async function scans(): Promise<{ whole: number; byIndex: number }> {
  const { rows } = await pool.query<{ seq_scan: string; idx_scan: string }>(
    `select seq_scan, idx_scan from pg_stat_xact_user_tables where schemaname = $1 and relname = 'events'`,
    [schema.name],
  );
  return { whole: Number(rows[0]?.seq_scan), byIndex: Number(rows[0]?.idx_scan) };
}

it('never plans to read the whole table, however small it is when the plan is made', async () => {
  const requests = Array.from({ length: EVENTS }, (_, n) => write(`thing-${n}`, 'noStream'));
  await log.append(requests);
  const names = Array.from({ length: EVENTS }, (_, n) => `thing-${n}`);
  const firstIds = new Map(requests.map(({ writes: [thing] }) => [thing?.stream, thing?.events[0]?.id ?? '']));
  await pool.query('begin');
  for (let run = 0; run < RUNS; run += 1) {
    expect((await log.readStreams(names)).get('thing-1')).toHaveLength(1);
    expect((await log.readLog({ after: 0, limit: 10 })).events).toHaveLength(10);
    const lastEvents = names.map((stream) => ({ stream, revision: 0, id: firstIds.get(stream) ?? '' }));
    expect((await log.outdated(lastEvents)).size).toBe(0);
  }
  const { whole, byIndex } = await scans();
  await pool.query('commit');
  expect(whole).toBe(0);
  expect(byIndex).toBeGreaterThanOrEqual(3 * RUNS);
});
