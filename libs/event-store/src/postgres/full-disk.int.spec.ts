import { join } from 'node:path';
import { realClock } from '@tsunagu/kernel';
import {
  type RunningPostgres,
  type SmallDisk,
  type SmallDiskMeans,
  smallDisk,
  smallDiskMeans,
  startPostgres,
} from '@tsunagu/testing';
import { Pool } from 'pg';
import { event, write } from '../suite/place.js';
import { PostgresEventLog } from './postgres-log.js';
import { type TestSchema, testSchema } from './test-schema.js';

/** As many as the pages at hand may still take. */
const TRIES_MAX = 2_000;
/** Where the last of the space goes while it recovers, PostgreSQL stays in its recovery and serves nobody: seen once in twenty times. */
const RECOVERING_MAX = 100;
const { means, leftOut } = smallDiskMeans();
if (leftOut) {
  process.stderr.write(`full disk left out: ${leftOut}\n`);
  it.skip(`left out: ${leftOut}`, () => undefined);
} else describe.each(means)('PostgreSQL on a full disk (%s)', suite);

function suite(by: SmallDiskMeans): void {
  let disk: SmallDisk;
  let server: RunningPostgres;
  let owner: Pool;
  let schema: TestSchema;
  let log: PostgresEventLog;

  beforeAll(async () => {
    disk = smallDisk(by);
    server = await startOn(disk);
    owner = new Pool({ connectionString: server.url, max: 2 });
    owner.on('error', () => {});
    const pool = owner;
    schema = await testSchema({ url: server.url, pool, close: async () => {} });
    schema.service.on('error', () => {});
    schema.owner.on('error', () => {});
    log = await PostgresEventLog.open({ pool: schema.service, clock: realClock });
  }, 60_000);
  afterAll(async () => {
    disk.free();
    await log.close();
    await schema.close().catch(() => {});
    await owner.end();
    await server.stop();
    disk.remove();
  }, 60_000);

  it('says `store.unavailable`, records nothing of what it did not acknowledge, and goes on when there is space', async () => {
    const acknowledged: string[] = [];
    const refused: string[] = [];
    // A fresh segment of WAL: what fails is a table's next page, and the log that the server needs to live has room.
    await owner.query('checkpoint');
    await owner.query(`select pg_logical_emit_message(true, 'spec', 'x'), pg_switch_wal()`);
    disk.fill();
    for (let n = 0; refused.length < 5; n += 1) {
      if (n > TRIES_MAX) throw new Error('the disk did not get full');
      const stream = `thing-${n}`;
      const failed = await append(stream).then(
        () => undefined,
        (error) => error,
      );
      if (failed === undefined) acknowledged.push(stream);
      else {
        expect(failed).toMatchObject({ code: 'store.unavailable', cause: { code: '53100' } });
        refused.push(stream);
      }
    }
    // What is there can be read meanwhile.
    expect(await log.head()).toBe(acknowledged.length);
    const streams = await log.readStreams([...acknowledged, ...refused]);
    expect([...streams].filter(([, events]) => events.length === 1).map(([stream]) => stream)).toEqual(acknowledged);
    expect(log.trouble()).toBe('the disk of its database is full');

    disk.free();
    for (const stream of refused) expect(await append(stream)).toMatchObject([{ outcome: 'appended' }]);
    expect(log.trouble()).toBeUndefined();
    expect(await positions()).toEqual(Array.from({ length: acknowledged.length + refused.length }, (_, n) => n + 1));
  }, 60_000);

  it('serves nobody when its WAL has no room, loses nothing that it acknowledged, and starts when there is space', async () => {
    const before = await log.head();
    disk.fill();
    let last = before;
    let said = '';
    let recovering = 0;
    const ended = server.ended.catch((error: Error) => error.message);
    for (let n = 0; ; n += 1) {
      if (n > TRIES_MAX) throw new Error(`PostgreSQL goes on without room for its WAL: ${said}`);
      // A table's page finds no room either, so that the WAL is filled whatever becomes of the append.
      const [outcome] = await append(`late-${n}`, 1).catch(() => []);
      if (outcome?.outcome === 'appended') last = outcome.positions[0] ?? last;
      const failure = await owner.query(`select pg_logical_emit_message(true, 'spec', 'x'), pg_switch_wal()`).then(
        () => undefined,
        (error: Error) => error,
      );
      if (!failure) continue;
      said = failure.message;
      if ((await Promise.race([ended, pause()])) !== undefined) break;
      recovering = /not yet accepting|recovery mode/.test(said) ? recovering + 1 : 0;
      if (recovering > RECOVERING_MAX) break;
    }
    const hasEnded = recovering <= RECOVERING_MAX;
    if (hasEnded) expect(await ended).toMatch(/^PostgreSQL ended by itself: the disk is full\.$/);
    await server.stop();
    if (hasEnded) await expect(startOn(disk)).rejects.toThrow(/the disk is full\.$/);

    disk.free();
    const port = server.port;
    server = await startOn(disk, port);
    expect(await log.head()).toBeGreaterThanOrEqual(last);
    expect(await append('after')).toMatchObject([{ outcome: 'appended' }]);
    const all = await positions();
    expect(all).toEqual(all.map((_, n) => n + 1));
  }, 120_000);

  /** An event of some size, so that a page is soon full. */
  function append(stream: string, kilobytes = 2) {
    const data = { text: 'x'.repeat(kilobytes * 1_000) };
    return log.append([write(stream, 'noStream', [event({ data })])]);
  }

  async function positions(): Promise<number[]> {
    const { events } = await log.readLog({ after: 0, limit: 10_000 });
    return events.map(({ position }) => position);
  }
}

function pause(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, 50, undefined));
}

function startOn({ directory, environment }: SmallDisk, port = 0): Promise<RunningPostgres> {
  return startPostgres({ dataDirectory: join(directory, 'postgres'), port, environment });
}
