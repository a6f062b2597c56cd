import { realClock } from '@tsunagu/kernel';
import { CuttingProxy, type TestDatabase, testDatabase } from '@tsunagu/testing';
import { Pool } from 'pg';
import { event, write } from '../suite/place.js';
import { PostgresEventLog } from './postgres-log.js';
import { type TestSchema, testSchema } from './test-schema.js';

let database: TestDatabase;
let schema: TestSchema;
let proxy: CuttingProxy;
let pool: Pool;
let log: PostgresEventLog;

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

beforeEach(async () => {
  schema = await testSchema(database);
  const url = new URL(schema.serviceUrl);
  proxy = await CuttingProxy.start(new URL(url));
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  pool = new Pool({ connectionString: url.href });
  pool.on('error', () => {});
  log = await PostgresEventLog.open({ pool, clock: realClock });
});
afterEach(async () => {
  await log.close();
  await pool.end();
  await proxy.close();
  await schema.close();
});

describe('a commit whose answer is lost', () => {
  it('is told as such, and the same ids find what was committed', async () => {
    const request = write('thing-1', 'noStream', 2);
    proxy.cutNext({ text: 'append_events', what: 'answer' });
    await expect(log.append([request])).rejects.toMatchObject({ code: 'store.outcome_unknown' });
    expect(await log.append([request])).toEqual([{ outcome: 'duplicate', positions: [1, 2] }]);
  });

  it('is told the same when the server never heard of it', async () => {
    const request = write('thing-1', 'noStream', 2);
    proxy.cutNext({ text: 'append_events', what: 'question' });
    await expect(log.append([request])).rejects.toMatchObject({ code: 'store.outcome_unknown' });
    expect(await log.append([request])).toEqual([{ outcome: 'appended', positions: [1, 2] }]);
  });

  it('is told for every caller of a batch that went by the rules', async () => {
    await log.append([write('thing-1', 'noStream')]);
    const losing = write('thing-1', 'noStream');
    const winning = write('thing-2', 'noStream');
    proxy.cutNext({ text: 'commit', what: 'answer' });
    const both = await Promise.allSettled([log.append([losing]), log.append([winning])]);
    expect(both).toMatchObject([
      { status: 'rejected', reason: { code: 'store.outcome_unknown' } },
      { status: 'rejected', reason: { code: 'store.outcome_unknown' } },
    ]);
    expect(await log.append([winning, losing])).toMatchObject([
      { outcome: 'duplicate', positions: [2] },
      { outcome: 'conflict' },
    ]);
  });
});

describe('an outage before the commit', () => {
  it('is `store.unavailable`, and nothing is recorded', async () => {
    await log.append([write('thing-1', 'noStream')]);
    const requests = [write('thing-1', 'noStream'), write('thing-2', 'noStream')];
    proxy.cutNext({ text: 'examine_batch', what: 'answer' });
    await expect(log.append(requests)).rejects.toMatchObject({ code: 'store.unavailable' });
    expect(await log.head()).toBe(1);
    expect(await log.append(requests)).toMatchObject([{ outcome: 'conflict' }, { outcome: 'appended' }]);
  });

  it('is `store.unavailable` when no connection can be made', async () => {
    await proxy.close();
    const failed = await log.append([write('thing-1', 'noStream')]).catch((error) => error);
    // The connection that was open before may break only when it is used: then nobody knows.
    expect(['store.unavailable', 'store.outcome_unknown']).toContain(failed.code);
    await expect(log.append([write('thing-1', 'noStream')])).rejects.toMatchObject({ code: 'store.unavailable' });
    await expect(log.head()).rejects.toMatchObject({ code: 'store.unavailable' });
    await expect(log.readStreams(['thing-1'])).rejects.toMatchObject({ code: 'store.unavailable' });
    await expect(PostgresEventLog.open({ pool, clock: realClock })).rejects.toMatchObject({
      code: 'store.unavailable',
    });
  });

  it('is `store.unavailable` after close, when the calls before it are answered', async () => {
    const before = log.append([write('thing-1', 'noStream')]);
    await Promise.all([log.close(), before]);
    await expect(log.append([write('thing-2', 'noStream')])).rejects.toMatchObject({ code: 'store.unavailable' });
    log = await PostgresEventLog.open({ pool, clock: realClock });
    expect(await log.head()).toBe(1);
  });
});

describe('what the server answers', () => {
  it('repeats a commit that the server rolled back for a deadlock or for serialisation', async () => {
    await refuseInserts(`if nextval('refusals') <= 2 then raise exception using errcode = '40001'; end if;`);
    expect(await log.append([write('thing-1', 'noStream')])).toEqual([{ outcome: 'appended', positions: [1] }]);
  });

  it('gives up after some repetitions', async () => {
    await refuseInserts(`raise exception using errcode = '40P01';`);
    await expect(log.append([write('thing-1', 'noStream')])).rejects.toMatchObject({ code: 'store.unavailable' });
  });

  it('lets only the request fail whose values the server refuses', async () => {
    await refuseInserts(`if new.type = 'Poison' then raise exception using errcode = '22000'; end if;`);
    const calls = Array.from({ length: 20 }, (_, n) =>
      log.append([write(`thing-${n}`, 'noStream', [event(n === 13 ? { type: 'Poison' } : {})])]),
    );
    const settled = await Promise.allSettled(calls);
    const failed = settled.flatMap((one, n) => (one.status === 'rejected' ? [[n, one.reason.code]] : []));
    expect(failed).toEqual([[13, 'store.invalid_request']]);
    expect(await log.head()).toBe(19);
  });
});

describe('hearing of another process', () => {
  it('needs no notice, and the listening connection comes back', async () => {
    const other = await PostgresEventLog.open({ pool: schema.service, clock: realClock });
    const waiting = log.waitForAppend(0, 10_000);
    await until(listening, (n) => n === 1);
    await schema.owner.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${isListening}`, [
      schema.name,
    ]);
    await other.append([write('thing-1', 'noStream')]);
    expect(await waiting).toBe(true);
    await until(listening, (n) => n === 2);
    await other.close();
  });

  it('leaves no connection open when it is closed', async () => {
    await log.append([write('thing-1', 'noStream')]);
    await log.waitForAppend(1, 300);
    await log.close();
    await pool.end();
    await until('select count(*)::int as n from pg_stat_activity where usename = $1', (n) => n === 0);
    pool = new Pool({ connectionString: schema.serviceUrl });
    log = await PostgresEventLog.open({ pool, clock: realClock });
  });
});

const isListening = `usename = $1 and query ~ '^(listen|select pg_notify)'`;
const listening = `select count(*)::int as n from pg_stat_activity where ${isListening}`;

/** Asks the server until the count is as wanted, 20,000 times at most. */
async function until(sql: string, wanted: (n: number) => boolean): Promise<void> {
  for (let tries = 0; tries < 20_000; tries += 1) {
    const { rows } = await schema.owner.query<{ n: number }>(sql, [schema.name]);
    if (wanted(rows[0]?.n ?? 0)) return;
  }
  throw new Error('the count did not come');
}

/** The given PL/pgSQL runs before each insert; `refusals` is a sequence that survives a rollback. */
async function refuseInserts(body: string): Promise<void> {
  await schema.owner.query(
    `create sequence refusals;
     create function refuse() returns trigger language plpgsql security definer set search_path = ${schema.name} as
       $$ begin ${body} return new; end $$;
     create trigger refuse before insert on events for each row execute function refuse();`,
  );
}
