import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { PostgresEventLog, toNewEvent } from '@tsunagu/event-store';
import { isoTime } from '@tsunagu/kernel';
import { migrate, servicePool } from '@tsunagu/service-host';
import { definition } from '@tsunagu/service-link';
import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import type { TreeKeeping } from '@tsunagu/transparency';
import { TreeThread } from './tree-thread.js';

const clock = { nowMs: Date.parse('2026-11-20T01:00:00.000Z'), now: () => clock.nowMs };
const { privateKey } = generateKeyPairSync('ed25519');
const role = `tree_thread_${randomUUID().slice(0, 8)}`;

let database: TestDatabase;
let url: string;
let log: PostgresEventLog;
let pool: ReturnType<typeof servicePool>;
let trees: TreeThread;
let keeping: TreeKeeping;
const workers: Worker[] = [];
const alarms: object[] = [];

beforeAll(async () => {
  database = await testDatabase();
  await database.pool.query(`create role ${role} login password '${role}'`);
  await migrate({ ownerUrl: database.url, definition, serviceRole: role });
  const asRole = new URL(database.url);
  asRole.username = role;
  asRole.password = role;
  url = asRole.href;
  pool = servicePool({ url, schema: definition.schema, connectionsMax: 4 });
  log = await PostgresEventLog.open({ pool, clock });
  trees = new TreeThread(clock, () => {
    const worker = new Worker(new URL('../bin/tree-thread.mjs', import.meta.url));
    workers.push(worker);
    return worker;
  });
  const logger = { error: (fields: object) => alarms.push(fields) };
  const options = { pool, rows: log, clock, origin: 'tsunagu.test/spec/0', privateKey, headEveryMs: 1_000, logger };
  keeping = trees.keeping(options, url);
  keeping.start();
});
afterAll(async () => {
  await keeping.stop();
  await trees.close();
  await log.close();
  await pool.end();
  await database.pool.query(`drop owned by ${role}; drop role ${role}`);
  await database.close();
});

async function record(): Promise<void> {
  const id = randomUUID();
  const meta = { id, effectiveAt: isoTime(clock.nowMs), correlationId: id, causationId: null };
  const event = toNewEvent({ type: 'SpecHappened', data: {} }, { ...meta, actor: 'service:spec', ownerId: null });
  await log.append([{ writes: [{ stream: `spec-${id}`, expectedRevision: 'noStream', events: [event] }] }]);
}

/** Resolves once the tree has as many leaves; what a broken thread answers meanwhile is no answer. */
async function grownTo(size: number): Promise<void> {
  while ((await keeping.status().catch(() => undefined))?.size !== size);
}

test('the tree of a log is kept in another thread, and its heads have the time of this one', async () => {
  await record();
  await record();
  await grownTo(2);
  expect(await keeping.status()).toEqual({ log: 0, origin: 'tsunagu.test/spec/0', size: 2, head: 2 });
  const heads = 'select size, signed_at::date::text as day from log_heads order by size desc limit 1';
  expect((await pool.query(heads)).rows).toEqual([{ size: '2', day: '2026-11-20' }]);
});

test('a thread that breaks is opened again, which is an alarm, and goes on', async () => {
  await workers[0]?.terminate();
  await record();
  await grownTo(3);
  expect(workers).toHaveLength(2);
  expect(alarms).toEqual([expect.objectContaining({ alarm: 'log_tree', log: 0 })]);
});

test('what a log has lost is an alarm in this thread', async () => {
  alarms.length = 0;
  await database.pool.query(
    `set search_path = ${definition.schema}; alter table events disable trigger all;
     delete from events where position = 3; update log_head set position = 2; alter table events enable trigger all;
     reset search_path`,
  );
  while (alarms.length === 0) await keeping.status();
  expect(alarms[0]).toMatchObject({ alarm: 'log_tree', err: { message: expect.stringContaining('has 3 leaves') } });
  expect((await keeping.status()).lastError).toContain('the log ends at position 2');
});
