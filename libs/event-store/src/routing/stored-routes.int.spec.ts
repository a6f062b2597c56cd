import { readdirSync, readFileSync } from 'node:fs';
import { newId } from '@tsunagu/kernel';
import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import fc from 'fast-check';
import { type TestSchema, testSchema } from '../postgres/test-schema.js';
import { startMs } from '../suite/place.js';
import { identifyLog } from './log-identity.js';
import { proposeRoute, readHolders, readRecords } from './route-records.js';
import { readRoutes, StoredRoutes } from './stored-routes.js';

const migrations = new URL('./migrations/', import.meta.url);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

let database: TestDatabase;
let schema: TestSchema;
let nowMs: number;
let running: StoredRoutes[];
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  nowMs = startMs;
  running = [];
  schema = await testSchema(database);
  for (const file of readdirSync(migrations)) await schema.owner.query(readFileSync(new URL(file, migrations), 'utf8'));
  await schema.owner.query(
    `grant select, insert, update, delete on all tables in schema ${schema.name} to ${schema.name};
     revoke update, delete on log_routes, log_route_confirmations from ${schema.name}`,
  );
});
afterEach(async () => {
  await Promise.all(running.map((routes) => routes.close()));
  await schema.close();
});

async function process(...openLogs: number[]): Promise<StoredRoutes> {
  const routes = await StoredRoutes.open({ pool: schema.service, clock: { now: () => nowMs }, openLogs });
  running.push(routes);
  return routes;
}

function propose(inMs: number, ...logs: number[]): Promise<number | string> {
  return proposeRoute(schema.service, { validFromMs: nowMs + inMs, logs, by: 'staff:operator', nowMs });
}

/** A ledger that has routed keys already, all to log 0. */
async function begunWithOneLog(): Promise<void> {
  await (await process(0)).close();
}

async function confirmed(): Promise<number[]> {
  const { entries } = await readRecords(schema.service);
  return entries.filter(({ isConfirmed }) => isConfirmed).map(({ version }) => version);
}

/** Of sixteen keys made at a time: as many as tell the logs of an entry apart. */
function logsAt(routes: { logOf(key: string): number | undefined }, atMs: number): Set<number | undefined> {
  return new Set(Array.from({ length: 16 }, () => routes.logOf(newId(atMs))));
}

describe('an entry', () => {
  beforeEach(begunWithOneLog);

  it('counts once every running process has its logs open, for keys made from its time on', async () => {
    const [one, two] = [await process(0, 1), await process(0)];
    const early = Array.from({ length: 50 }, (_, n) => newId(nowMs + n));
    expect(await propose(2 * hourMs, 0, 1)).toBe(1);
    await one.refresh();
    await two.refresh();
    expect(await confirmed()).toEqual([]);

    await two.close();
    const restarted = await process(0, 1);
    await one.refresh();
    expect(await confirmed()).toEqual([1]);
    nowMs += 3 * hourMs;
    for (const routes of [one, restarted]) {
      await routes.refresh();
      expect(logsAt(routes, nowMs)).toEqual(new Set([0, 1]));
      for (const key of early) expect(routes.logOf(key)).toBe(0);
    }
    expect(logsAt(await readRoutes(schema.service), nowMs)).toEqual(new Set([0, 1]));
  });

  it('that is not confirmed in time never is, so no key of its time changes its log', async () => {
    const [one, hindering] = [await process(0, 1), await process(0)];
    await propose(hourMs, 0, 1);
    nowMs += 50 * minuteMs;
    await hindering.refresh();
    await hindering.close();
    await one.refresh();
    expect(await confirmed()).toEqual([]);
    nowMs += hourMs;
    await one.refresh();
    expect(logsAt(one, nowMs)).toEqual(new Set([0]));
    expect(await propose(2 * hourMs, 0, 1)).toBe(2);
    await one.refresh();
    expect(await confirmed()).toEqual([2]);
  });

  it('takes the place of one that still waits', async () => {
    const one = await process(0);
    await propose(2 * hourMs, 0, 1);
    await propose(2 * hourMs, 0);
    await one.refresh();
    expect(await confirmed()).toEqual([2]);
  });

  it.each([
    ['an hour', 59 * minuteMs, [0, 1]],
    ['30 days', 40 * 24 * hourMs, [0, 1]],
    ['once each', 2 * hourMs, [0, 0]],
    ['once each', 2 * hourMs, []],
    ['whole number', 2 * hourMs, [-1]],
  ])('is refused: %s', async (words, inMs, logs) => {
    expect(await propose(inMs, ...logs)).toContain(words);
  });

  it('is refused where it would be about keys of a time that is settled', async () => {
    const one = await process(0, 1);
    await propose(3 * hourMs, 0, 1);
    await one.refresh();
    expect(await propose(2 * hourMs, 1)).toContain('last confirmed');
    nowMs += 10 * hourMs;
    await one.refresh();
    nowMs -= 2 * hourMs;
    expect(await propose(hourMs + minuteMs, 1)).toContain('routed already');
  });
});

describe('a process', () => {
  it('that was away through a confirmation must look again before the first key that it is about', async () => {
    await begunWithOneLog();
    const [one, away] = [await process(0, 1), await process(0, 1)];
    await propose(hourMs, 0, 1);
    // Nothing of it has been heard for longer than it is waited for.
    await schema.owner.query(`update log_route_holders set seen_at = seen_at - interval '1 hour' where process = $1`, [
      away.process,
    ]);
    await one.refresh();
    expect(await confirmed()).toEqual([1]);
    nowMs += hourMs;
    expect(away.logOf(newId(nowMs))).toBeUndefined();
    await away.refresh();
    expect(logsAt(away, nowMs)).toEqual(new Set([0, 1]));
  });

  it('begins a new ledger over all the logs it is given, and one that has begun stays as it is', async () => {
    const first = await process(0, 1, 2, 3);
    expect(logsAt(first, nowMs).size).toBeGreaterThan(2);
    const second = await process(0, 1);
    expect(second.missingLogs).toEqual([2, 3]);
    expect((await readHolders(schema.service)).map(({ version }) => version).sort()).toEqual([0, 1]);
  });

  it('that begins alone keeps one log, whatever is opened beside it later', async () => {
    await process(0);
    const second = await process(0, 1);
    expect(logsAt(second, nowMs)).toEqual(new Set([0]));
  });
});

describe('a process left to itself', () => {
  /** A process that looks at the table all the time; `looks` waits until it has begun so many more looks. */
  async function looking(onError?: (error: unknown) => void) {
    const waiting: (() => void)[] = [];
    const now = () => {
      for (const go of waiting.splice(0)) go();
      return nowMs;
    };
    const options = {
      pool: schema.service,
      clock: { now },
      openLogs: [0, 1],
      lookEveryMs: 1,
      ...(onError && { onError }),
    };
    const routes = await StoredRoutes.open(options);
    running.push(routes);
    const looks = async (count: number) => {
      for (let seen = 0; seen < count; seen += 1) await new Promise<void>((resolve) => waiting.push(resolve));
    };
    return { routes, looks };
  }

  it('finds an entry and confirms it without being asked', async () => {
    await begunWithOneLog();
    const { routes, looks } = await looking();
    expect(routes.version).toBe(0);
    await propose(2 * hourMs, 0, 1);
    await looks(3);
    expect(await confirmed()).toEqual([1]);
    expect(routes.version).toBe(1);
    expect(routes.missingLogs).toEqual([]);
  });

  it('says that it cannot look, and goes on looking', async () => {
    await begunWithOneLog();
    let failed: (error: unknown) => void = () => undefined;
    const failure = new Promise((resolve) => {
      failed = resolve;
    });
    const { routes, looks } = await looking((error) => failed(error));
    await schema.owner.query(`alter table ${schema.name}.log_route_horizon rename to elsewhere`);
    expect(String(await failure)).toContain('log_route_horizon');
    await schema.owner.query(`alter table ${schema.name}.elsewhere rename to log_route_horizon`);
    await propose(2 * hourMs, 0, 1);
    await looks(3);
    expect(routes.version).toBe(1);
  });

  it('looks no more once it is closed, and nobody waits for it', async () => {
    await begunWithOneLog();
    const { routes, looks } = await looking();
    await looks(1);
    expect((await readHolders(schema.service)).map((holder) => holder.process)).toEqual([routes.process]);
    await routes.close();
    expect(await readHolders(schema.service)).toEqual([]);
    await propose(2 * hourMs, 0, 1);
    const other = await process(0, 1);
    await other.refresh();
    expect([routes.version, other.version]).toEqual([0, 1]);
  });

  it('does not say where a key from beyond its last look lies, and neither does a reader', async () => {
    const routes = await process(0, 1);
    const horizon = nowMs + 15 * minuteMs;
    for (const held of [routes, await readRoutes(schema.service)]) {
      expect(logsAt(held, horizon)).toEqual(new Set([0, 1]));
      expect(logsAt(held, horizon + 1)).toEqual(new Set([undefined]));
    }
  });
});

it('processes that look, propose, pause and come back in any order never disagree on a key', async () => {
  await begunWithOneLog();
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('key' as const), process: fc.nat(3), aheadMs: fc.nat(20 * minuteMs) }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('look' as const), process: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(2 * hourMs) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('silent' as const), process: fc.nat(3) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('propose' as const),
        inMs: fc.integer({ min: hourMs, max: 4 * hourMs }),
        logs: fc.uniqueArray(fc.nat(3), { minLength: 1 }),
      }),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const processes = await Promise.all([0, 1, 2, 3].map(() => process(0, 1, 2, 3)));
      const lies = new Map<string, number>();
      const check = (key: string) => {
        for (const routes of processes) {
          const log = routes.logOf(key);
          if (log === undefined) continue;
          expect([key, log]).toEqual([key, lies.get(key) ?? log]);
          lies.set(key, log);
        }
      };
      for (const one of steps) {
        const routes = 'process' in one ? processes[one.process] : undefined;
        if (one.kind === 'key') check(newId(nowMs + one.aheadMs));
        if (one.kind === 'look') await routes?.refresh();
        if (one.kind === 'pass') nowMs += one.ms;
        if (one.kind === 'propose') await propose(one.inMs, ...one.logs);
        if (one.kind === 'silent') {
          await schema.owner.query(`update log_route_holders set seen_at = '2000-01-01' where process = $1`, [
            routes?.process,
          ]);
        }
        for (const key of lies.keys()) check(key);
      }
      for (const routes of processes) await routes.refresh();
      for (const key of lies.keys()) check(key);
      await Promise.all(processes.map((routes) => routes.close()));
    }),
    { numRuns: 25 },
  );
});

it('a database says for ever which log of which ledger it is', async () => {
  const first = await identifyLog(schema.service, 2);
  expect(first.log).toBe(2);
  expect(await identifyLog(schema.service, 3)).toEqual(first);
});
