import { realClock } from '@tsunagu/kernel';
import { type Replicated, startReplicated } from '@tsunagu/testing';
import { Pool } from 'pg';
import { write } from '../suite/place.js';
import { PostgresEventLog } from './postgres-log.js';
import { type TestSchema, testSchema } from './test-schema.js';

/** A read replica that lags: nothing of this project reads one by itself, and who does is never told anything wrong. */

let servers: Replicated;
let owner: Pool;
let schema: TestSchema;
let standbyPool: Pool;
let primary: PostgresEventLog;
let standby: PostgresEventLog;

beforeAll(async () => {
  servers = await startReplicated();
  owner = new Pool({ connectionString: servers.primary.url, max: 2 });
  schema = await testSchema({ url: servers.primary.url, pool: owner, close: async () => {} });
  await servers.caughtUp();
  const url = new URL(schema.serviceUrl);
  url.port = String(servers.standby.port);
  standbyPool = new Pool({ connectionString: url.href, max: 5 });
  for (const pool of [owner, standbyPool, schema.service, schema.owner]) pool.on('error', () => {});
  primary = await PostgresEventLog.open({ pool: schema.service, clock: realClock });
  standby = await PostgresEventLog.open({ pool: standbyPool, clock: realClock });
}, 60_000);
afterAll(async () => {
  await Promise.all([primary.close(), standby.close()]);
  await standbyPool.end();
  await schema.close();
  await owner.end();
  await servers.close();
}, 60_000);

it('takes no event: an append is unavailable and says why, whatever it expects', async () => {
  for (const request of [write('new-1', 'noStream'), write('new-1', 7)]) {
    await expect(standby.append([request])).rejects.toMatchObject({
      code: 'store.unavailable',
      cause: { code: '25006' },
    });
  }
  // By the way of rules too: a request that cannot be the first of its batch is looked at under the lock.
  await expect(standby.append([write('new-2', 'noStream'), write('new-2', 'noStream')])).rejects.toMatchObject({
    code: 'store.unavailable',
  });
  expect(standby.trouble()).toBe('its database is read-only, as a standby is');
  expect(await primary.head()).toBe(0);
});

it('shows the log as it was, without a gap, and all of it in the end', async () => {
  await primary.append([write('thing-1', 'noStream', 3)]);
  await servers.caughtUp();
  await servers.pause();
  await Promise.all(Array.from({ length: 40 }, (_, n) => primary.append([write(`late-${n}`, 'noStream', 2)])));
  expect(await primary.head()).toBe(83);
  expect(await standby.head()).toBe(3);
  expect(await positions(standby, 0)).toEqual([1, 2, 3]);
  expect(await standby.waitForAppend(3, 300)).toBe(false);

  // While it replays, others append: a reader that goes on from the last position it saw meets every one, in order.
  await servers.resume();
  const appending = (async () => {
    for (let n = 0; n < 60; n += 1)
      await Promise.all([0, 1, 2].map((part) => primary.append([write(`busy-${n}-${part}`, 'noStream')])));
  })();
  const seen: number[] = [];
  while (seen.length < 263) {
    const after = seen.at(-1) ?? 0;
    seen.push(...(await positions(standby, after)));
    if (seen.at(-1) === after) expect(await standby.waitForAppend(after, 20_000)).toBe(true);
  }
  await appending;
  expect(seen).toEqual(Array.from({ length: 263 }, (_, n) => n + 1));
  expect(await positions(primary, 0)).toEqual(seen);
}, 60_000);

it('gives an old state, on which nothing can be decided: the append to the primary conflicts', async () => {
  await primary.append([write('guarded-1', 'noStream')]);
  await servers.caughtUp();
  await servers.pause();
  await primary.append([write('guarded-1', 0), write('guarded-2', 'noStream')]);
  const stale = (await standby.readStreams(['guarded-1', 'guarded-2'])).entries();
  const decided = [...stale].map(([stream, events]) => write(stream, events.at(-1)?.revision ?? 'noStream'));
  expect(await primary.append(decided)).toEqual([
    { outcome: 'conflict', actualRevisions: { 'guarded-1': 1 }, recordedIds: [] },
    { outcome: 'conflict', actualRevisions: { 'guarded-2': 0 }, recordedIds: [] },
  ]);
  await servers.resume();
});

async function positions(log: PostgresEventLog, after: number): Promise<number[]> {
  const { events, through } = await log.readLog({ after, limit: 1_000 });
  const found = events.map(({ position }) => position);
  expect(through).toBe(found.at(-1) ?? after);
  return found;
}
