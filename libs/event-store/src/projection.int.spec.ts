import { setTimeout as pause } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import type { PoolClient } from 'pg';
import type { EventLog, RecordedEvent } from './contract.js';
import { openPlace } from './postgres/test-schema.js';
import type { Projection } from './projection.js';
import { projectionDigest } from './projection-digest.js';
import { ProjectionRunner } from './projection-runner.js';
import { verifyProjection, verifyProjections } from './projection-verify.js';
import { event, write } from './suite/place.js';

/** Sums and a history: adds up, so that an event applied twice or left out shows. */
const counts: Projection = {
  name: 'counts',
  tables: ['counts', 'count_lines'],
  types: ['Counted'],
  async apply(client: PoolClient, events: readonly RecordedEvent[]) {
    for (const { stream, position, recordedAt, data } of events) {
      const by = (data as { by: number }).by;
      if (by < 0) throw new Error('counts only upwards');
      await client.query(
        'insert into counts values ($1, $2) on conflict (stream) do update set total = counts.total + excluded.total',
        [stream, by],
      );
      await client.query('insert into count_lines values ($1, $2, $3)', [position, recordedAt, by / 3]);
    }
  },
};

let database: TestDatabase;
let place: Awaited<ReturnType<typeof openPlace>>;
let runners: ProjectionRunner[];
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  runners = [];
  place = await openPlace(database);
  const { owner, name } = place.schema;
  await owner.query(
    `create table counts (stream text primary key, total int not null);
     create table count_lines (position bigint primary key, at timestamptz not null, third float8 not null);
     grant select, insert, update, delete, truncate on counts, count_lines to ${name}`,
  );
});
afterEach(async () => {
  await Promise.all(runners.map((runner) => runner.stop()));
  await place.close();
});

function runner(more: { projection?: Projection; batchSize?: number } = {}): ProjectionRunner {
  const made = new ProjectionRunner({ pool: place.schema.service, log: place.log, projection: counts, ...more });
  runners.push(made);
  return made;
}

async function totals(): Promise<unknown[]> {
  const { rows } = await place.schema.owner.query('select stream, total from counts order by stream collate "C"');
  return rows;
}

async function countTo(log: EventLog, events: number): Promise<void> {
  const requests = Array.from({ length: events }, (_, n) => write(`thing-${n % 5}`, Math.floor(n / 5) - 1));
  for (const outcome of await log.append(requests)) expect(outcome.outcome).toBe('appended');
}

async function waitingForLocks(sessions: number): Promise<void> {
  const { rows } = await place.schema.owner.query(
    `select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
  );
  if (rows[0].waiting >= sessions) return;
  await pause(10);
  return waitingForLocks(sessions);
}

const fortyCounted = ['0', '1', '2', '3', '4'].map((n) => ({ stream: `thing-${n}`, total: 8 }));

describe('the projection runner', () => {
  it('folds what is recorded and what comes, in batches, and tells when it is there', async () => {
    await countTo(place.log, 38);
    const running = runner({ batchSize: 7 });
    running.start();
    expect(await running.waitFor(38, 10_000)).toBe(true);
    await place.log.append([
      write('thing-3', 6),
      write('thing-4', 6),
      write('ignored-1', 'noStream', [event({ type: 'Other' })]),
    ]);
    expect(await running.waitFor(41, 10_000)).toBe(true);
    expect(await totals()).toEqual(fortyCounted);
    expect(await running.status()).toEqual({ name: 'counts', log: 0, position: 41, head: 41 });
    expect(await running.waitFor(42, 10)).toBe(false);
  });

  it('goes on from its checkpoint', async () => {
    await countTo(place.log, 20);
    const before = runner();
    before.start();
    expect(await before.waitFor(20, 10_000)).toBe(true);
    await before.stop();
    await place.log.append(Array.from({ length: 20 }, (_, n) => write(`thing-${n % 5}`, 3 + Math.floor(n / 5))));
    const after = runner();
    after.start();
    expect(await after.waitFor(40, 10_000)).toBe(true);
    expect(await totals()).toEqual(fortyCounted);
  });

  it('counts every event once when several processes run it, and when it is rebuilt meanwhile', async () => {
    const several = [runner({ batchSize: 3 }), runner({ batchSize: 4 }), runner({ batchSize: 5 })];
    for (const one of several) one.start();
    await countTo(place.log, 25);
    await several[0]?.rebuild();
    await place.log.append(Array.from({ length: 15 }, (_, n) => write(`thing-${n % 5}`, 4 + Math.floor(n / 5))));
    for (const one of several) expect(await one.waitFor(40, 10_000)).toBe(true);
    expect(await totals()).toEqual(fortyCounted);
    await several[1]?.rebuild();
    expect(await several[1]?.waitFor(40, 10_000)).toBe(true);
    expect(await totals()).toEqual(fortyCounted);
  });

  it('passes over what is not its own, and still folds again from the start when another process has rebuilt it', async () => {
    await countTo(place.log, 39);
    const running = runner();
    running.start();
    await place.log.append(
      Array.from({ length: 1_200 }, (_, n) => write(`ignored-${n}`, 'noStream', [event({ type: 'Other' })])),
    );
    expect(await running.waitFor(1_239, 10_000)).toBe(true);
    const elsewhere = runner();
    await elsewhere.rebuild();
    await place.log.append([write('thing-4', 6)]);
    expect(await running.waitFor(1_240, 10_000)).toBe(true);
    expect(await totals()).toEqual(fortyCounted);
  });

  it('never sets its checkpoint back, though it is stored while the next batch is folded', async () => {
    const other = (n: number) => write(`ignored-${n}`, 'noStream', [event({ type: 'Other' })]);
    const running = runner();
    running.start();
    await countTo(place.log, 39);
    await place.log.append([other(1)]);
    expect(await running.waitFor(40, 10_000)).toBe(true);
    await running.store();
    await place.log.append([other(2)]);
    expect(await running.waitFor(41, 10_000)).toBe(true);
    const holder = await place.schema.owner.connect();
    try {
      await holder.query('begin; select from projection_checkpoints for update');
      await place.log.append([write('thing-4', 6)]);
      await waitingForLocks(1);
      const stored = running.store();
      await waitingForLocks(2);
      await holder.query('commit');
      await stored;
      expect(await running.waitFor(42, 10_000)).toBe(true);
      const { rows } = await holder.query('select position::int from projection_checkpoints');
      expect(rows).toEqual([{ position: 42 }]);
    } finally {
      holder.release();
    }
    expect(await totals()).toEqual(fortyCounted);
  });

  it('stands still at what it cannot fold, says so, keeps nothing of that batch, and goes on when it can', async () => {
    const faults: string[] = [];
    const logger = { error: (_: object, message: string) => faults.push(message) };
    let refuse = true;
    const apply: Projection['apply'] = async (client, events) => {
      await counts.apply(client, events);
      if (refuse) throw new Error('not today');
    };
    const running = new ProjectionRunner({
      pool: place.schema.service,
      log: place.log,
      projection: { ...counts, apply },
      logger,
    });
    runners.push(running);
    running.start();
    await countTo(place.log, 40);
    expect(await running.waitFor(40, 150)).toBe(false);
    expect(await running.status()).toEqual({ name: 'counts', log: 0, position: 0, head: 40, lastError: 'not today' });
    expect(await totals()).toEqual([]);
    expect(faults).toContain('projection stands still');
    refuse = false;
    expect(await running.waitFor(40, 10_000)).toBe(true);
    expect(await totals()).toEqual(fortyCounted);
  });
});

describe('verifying a projection', () => {
  const verify = () =>
    verifyProjection({
      ownerPool: place.schema.owner,
      schema: place.schema.name,
      logs: [place.log],
      projection: counts,
    });

  beforeEach(async () => {
    await countTo(place.log, 40);
    const running = runner({ batchSize: 7 });
    running.start();
    await running.waitFor(40, 10_000);
    await running.stop();
  });

  it('finds a fresh fold to be the same, at the checkpoint, and leaves nothing behind', async () => {
    await place.log.append([write('thing-0', 7)]);
    const verified = await verify();
    expect(verified).toMatchObject({ name: 'counts', positions: new Map([[0, 40]]), equal: true });
    expect(await totals()).toEqual(fortyCounted);
    const left = await place.schema.owner.query(`select from pg_namespace where nspname like 'verify%'`);
    expect(left.rowCount).toBe(0);
  });

  it.each([
    `update counts set total = total + 1 where stream = 'thing-2'`,
    `delete from count_lines where position = 40`,
    `update count_lines set at = at + interval '1 microsecond' where position = 3`,
    `insert into counts values ('thing-9', 0)`,
  ])('finds the difference after: %s', async (sql) => {
    await place.schema.owner.query(sql);
    expect(await verify()).toMatchObject({ equal: false });
  });

  it('of several reads each log once, and compares each at its own checkpoint', async () => {
    const { owner, service, name } = place.schema;
    const other: Projection = {
      name: 'others',
      tables: ['others'],
      types: ['Other', 'Counted'],
      async apply(client, events) {
        for (const { position, type } of events)
          await client.query('insert into others values ($1, $2)', [position, type]);
      },
    };
    await owner.query(`create table others (position bigint primary key, type text not null);
      grant select, insert, truncate on others to ${name}`);
    await place.log.append([write('other-1', 'noStream', [event({ type: 'Other' })]), write('thing-0', 7, 4)]);
    const running = new ProjectionRunner({ pool: service, log: place.log, projection: other });
    running.start();
    expect(await running.waitFor(45, 10_000)).toBe(true);
    await running.stop();

    const reads: number[] = [];
    const log: EventLog = Object.assign(Object.create(place.log) as EventLog, {
      readLog: (query: Parameters<EventLog['readLog']>[0]) => {
        reads.push(query.after);
        return place.log.readLog(query);
      },
    });
    const of = { ownerPool: owner, schema: name, logs: [log], projections: [counts, other] };
    const at = (position: number) => new Map([[0, position]]);
    expect(await verifyProjections(of)).toMatchObject([
      { name: 'counts', positions: at(40), equal: true },
      { name: 'others', positions: at(45), equal: true },
    ]);
    expect(reads).toEqual([0]);
    await owner.query('delete from others where position = 41');
    expect((await verifyProjections(of)).map(({ equal }) => equal)).toEqual([true, false]);
    await owner.query(`update projection_checkpoints set position = 46 where name = 'others'`);
    await expect(verifyProjections(of)).rejects.toThrow('the log ends at 45, before the checkpoint of others');
    const left = await owner.query(`select from pg_namespace where nspname like 'verify%'`);
    expect(left.rowCount).toBe(0);
  });

  it('gives the same digest whatever the session writes times and numbers like', async () => {
    const client = await place.schema.owner.connect();
    const digests = new Set<string>();
    for (const set of [
      'select',
      `set timezone = 'Asia/Tokyo'; set datestyle = 'German'; set extra_float_digits = -3`,
    ]) {
      await client.query(`${set}; begin`);
      digests.add(await projectionDigest(client, counts));
      await client.query('rollback');
    }
    client.release(true);
    expect(digests.size).toBe(1);
  });
});
