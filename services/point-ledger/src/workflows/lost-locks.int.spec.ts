import { Client } from 'pg';
import { pino } from 'pino';
import { accountStream, foldAccount, lotOf } from '../domain/account.js';
import { decideExpiry } from '../domain/expiry.js';
import { isPastExpiry } from '../domain/lot.js';
import { claim, someId, startTestLedger, type TestLedger, type TestWorker, toDecide } from '../test-ledger.js';
import { LotRuns, type LotToVisit } from './lot-runs.js';
import { underSessionLock } from './session-lock.js';

/** A lock of a session is gone with the session, and nobody tells its holder, who goes on. */

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await startTestLedger();
});
afterEach(async () => {
  expect(await ledger.violations()).toEqual([]);
  await ledger.close();
});

/** Cuts the sessions that hold advisory locks with this second key, and waits until they are gone. */
async function cut(secondKey: number): Promise<number> {
  const held = `from pg_locks where locktype = 'advisory' and objid = $1 and objsubid = 2
                 and database = (select oid from pg_database where datname = current_database())`;
  const { rowCount } = await ledger.pool.query(`select pid ${held}`, [secondKey]);
  await superuser((query) => query(`select pg_terminate_backend(pid, 10000) ${held}`, [secondKey]));
  return rowCount ?? 0;
}

async function superuser(work: (query: (sql: string, values: unknown[]) => Promise<unknown>) => Promise<unknown>) {
  const client = new Client({ connectionString: ledger.ownerUrl });
  await client.connect();
  try {
    await work((sql, values) => client.query(sql, values));
  } finally {
    await client.end();
  }
}

describe('the number of a worker', () => {
  it('goes to another one, and both grant from one fund to its last point, nobody twice', async () => {
    const fundId = await ledger.fund(4_100);
    // The service's own worker has its number, and will not take the one that falls free.
    await ledger.claims(claim({ fundId, amountPoints: 100 }));
    const [one, two] = [await ledger.worker(), await ledger.worker()];
    const claims = Array.from({ length: 50 }, () => claim({ fundId, amountPoints: 100 }));
    const granting = (worker: TestWorker, from: number, to: number) =>
      worker.grants.decide(claims.slice(from, to).map(toDecide));
    await granting(one, 0, 5);
    const lost = await one.slot.number();
    expect(await cut(lost)).toBe(1);
    // Its lease stands under the number that is now the other worker's.
    expect(await two.slot.number()).toBe(lost);
    await Promise.all([granting(one, 5, 30), granting(two, 20, 50)]);
    expect(await one.slot.number()).not.toBe(lost);
    expect(await two.slot.number()).toBe(lost);
    const granted = await ledger.eventsOf('PointsGranted');
    expect(granted).toHaveLength(41);
    expect(new Set(granted.map(({ stream }) => stream)).size).toBe(41);
    expect(
      (await ledger.eventsOf('GrantRefused')).map(({ data }) => (data as { reasonCode: string }).reasonCode),
    ).toEqual(Array.from({ length: 10 }, () => 'fund_exhausted'));
  });
});

describe('a run over lots', () => {
  const run = { job: 'expiry', run: 'spec', expiresFrom: '-infinity', includesEnd: true, heldToo: false } as const;

  it('stops when its lock is lost; another one has done its page meanwhile, and each lot once', async () => {
    const fundId = await ledger.fund(10_000);
    const expiresAt = '2026-11-21T00:00:00.000Z';
    const person = { fundId, amountPoints: 100, pointsExpireAt: expiresAt };
    await ledger.claims(claim(person), claim(person), claim(person));
    ledger.clock.set('2026-11-22T00:00:00.000Z');
    const [one, two] = [await ledger.worker(), await ledger.worker()];
    const projections = { waitFor: () => ledger.waitForProjections().then(() => true) };
    const runs = () => new LotRuns(ledger.pool, ledger.clock, projections, pino({ level: 'silent' }));
    const order = (visit: (lots: readonly LotToVisit[]) => Promise<number>) => ({
      ...run,
      expiresTo: expiresAt,
      visit,
    });
    let other: unknown;
    const first = runs().run(
      order(async (lots) => {
        expect(await cut(0x4c4f5453)).toBe(1);
        other = await runs().run(order((same) => expire(two, same)));
        return expire(one, lots);
      }),
    );
    await expect(first).rejects.toMatchObject({ code: 'store.unavailable' });
    expect(other).toEqual({ lots: 3, finished: true });
    expect(await runs().run(order(async () => 1_000))).toEqual({ lots: 3, finished: true });
    expect(await ledger.eventsOf('PointsExpired')).toHaveLength(3);
  });

  /** The lots of these that are gone afterwards. */
  async function expire(worker: TestWorker, lots: readonly LotToVisit[]): Promise<number> {
    await worker.acts.perform(
      lots.map(({ lotId, personId }) => ({
        personId,
        cause: { id: null, correlationId: personId },
        decide: (account, now) => {
          const lot = lotOf(account, lotId);
          const event = lot && decideExpiry(personId, lot, now);
          return event && { event, id: someId() };
        },
      })),
    );
    const streams = await ledger.log.readStreams(lots.map(({ personId }) => accountStream(personId)));
    const now = new Date(ledger.clock.now()).toISOString();
    return lots.filter(({ lotId, personId }) => {
      const lot = lotOf(foldAccount(streams.get(accountStream(personId)) ?? []), lotId);
      return lot && isPastExpiry(lot, now) && lot.availablePoints === 0;
    }).length;
  }
});

describe('a lock of a session', () => {
  const keys = { sql: '$1, $2', values: [1, 4_711] };

  it('is held by one, told to the other, and free afterwards', async () => {
    const inside = await underSessionLock(ledger.pool, keys, async (lock) => {
      lock.assertHeld();
      return underSessionLock(ledger.pool, keys, async () => 'both');
    });
    expect(inside).toBeUndefined();
    expect(await underSessionLock(ledger.pool, keys, async () => 'alone')).toBe('alone');
  });

  it('that is lost tells its holder, whose connection is not used again', async () => {
    const work = underSessionLock(ledger.pool, keys, async (lock) => {
      await cut(4_711);
      expect(await underSessionLock(ledger.pool, keys, async () => 'another')).toBe('another');
      for (;;) {
        lock.assertHeld();
        await ledger.pool.query('select');
      }
    });
    await expect(work).rejects.toMatchObject({ code: 'store.unavailable' });
    expect(await underSessionLock(ledger.pool, keys, async () => 'again')).toBe('again');
  });
});
