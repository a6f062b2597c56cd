import type { DataOf } from '@tsunagu/contracts';
import { claim, someId, startTestLedger, type TestLedger } from '../test-ledger.js';

/** The day that ends at 2026-12-31T15:00Z is 31 December in Japan. */
const yearEnd = '2026-12-31T15:00:00.000Z';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await startTestLedger();
});
afterEach(async () => {
  expect(await ledger.violations()).toEqual([]);
  await ledger.close();
});

async function personWith(...lots: readonly { amountPoints: number; pointsExpireAt?: string; fundId?: string }[]) {
  const personId = someId();
  const fundId = await ledger.fund(1_000_000);
  await ledger.claims(...lots.map((lot) => claim({ fundId, personId, measureId: someId(), ...lot })));
  return personId;
}

async function expire() {
  const worker = await ledger.worker();
  await worker.expiryJob.sweep();
  await worker.stop();
}

async function expired(): Promise<readonly DataOf<'PointsExpired'>[]> {
  return (await ledger.eventsOf('PointsExpired')).map((event) => event.data as DataOf<'PointsExpired'>);
}

const progress = async () =>
  (
    await ledger.pool.query(
      'select job, run, lots::int, finished_at is not null as finished from lot_jobs order by run',
    )
  ).rows;

it('records once, on the day after, what expired, and nothing that has not', async () => {
  const personId = await personWith(
    { amountPoints: 500, pointsExpireAt: yearEnd },
    { amountPoints: 300, pointsExpireAt: '2026-12-31T15:00:00.001Z' },
    { amountPoints: 200 },
  );
  ledger.clock.set('2026-12-31T14:58:00.000Z');
  await expire();
  expect(await expired()).toEqual([]);
  ledger.clock.set('2027-01-01T02:00:00.000Z');
  await expire();
  await expire();
  expect(await expired()).toMatchObject([{ personId, points: 500, expiresAt: yearEnd, dryRun: false }]);
  const [event] = await ledger.eventsOf('PointsExpired');
  expect(event).toMatchObject({ effectiveAt: yearEnd, ownerId: 'demo' });
  expect((await ledger.account(personId)).body.lots.map((lot) => [lot.remainingPoints, lot.blockedReason])).toEqual([
    [300, 'expired'],
    [200, undefined],
  ]);
  ledger.clock.set('2027-01-02T02:00:00.000Z');
  await expire();
  expect((await expired()).map(({ points }) => points)).toEqual([500, 300]);
  expect(await progress()).toEqual([
    { job: 'expiry', run: '2026-12-30', lots: 0, finished: true },
    { job: 'expiry', run: '2026-12-31', lots: 1, finished: true },
    { job: 'expiry', run: '2027-01-01', lots: 1, finished: true },
  ]);
});

it('leaves held points to their outcome: captured they count, released they are gone at once', async () => {
  const lot = { amountPoints: 500, pointsExpireAt: yearEnd };
  const [kept, lost] = [await personWith(lot), await personWith(lot)];
  const [captured, released] = [await ledger.exchange(kept, 400), await ledger.exchange(lost, 400)];
  ledger.clock.set('2027-01-05T00:00:00.000Z');
  await expire();
  expect((await expired()).map(({ points }) => points)).toEqual([100, 100]);
  await ledger.endExchange(captured, kept, { credited: 400 });
  await ledger.endExchange(released, lost, 'rejected');
  expect((await expired()).slice(2)).toMatchObject([{ personId: lost, points: 400 }]);
  expect((await ledger.account(lost)).body).toMatchObject({ availablePoints: 0, heldPoints: 0, lots: [] });
  await expire();
  expect(await expired()).toHaveLength(3);
});

it('a trial expires on accounts of its own', async () => {
  const fundId = await ledger.fund(1_000, { dryRun: true });
  await ledger.claims(claim({ fundId, dryRun: true, amountPoints: 70, pointsExpireAt: yearEnd }));
  ledger.clock.set('2027-01-05T00:00:00.000Z');
  await expire();
  expect(await expired()).toMatchObject([{ points: 70, dryRun: true }]);
  await ledger.waitForProjections();
  const { rows } = await ledger.pool.query(`select credit_account from postings where credit_account like '%:expired'`);
  expect(rows).toEqual([{ credit_account: `dryRun:fund:${fundId}:expired` }]);
});

it('goes on where it was cut, by any number of workers, and every lot expires once', async () => {
  const fundId = await ledger.fund(10_000_000);
  const claims = Array.from({ length: 2_300 }, (_, n) =>
    claim({ fundId, amountPoints: 10 + n, pointsExpireAt: new Date(Date.parse(yearEnd) - n * 1000).toISOString() }),
  );
  for (let from = 0; from < claims.length; from += 500) await ledger.claims(...claims.slice(from, from + 500));
  ledger.clock.set('2027-01-05T00:00:00.000Z');
  // A worker that dies after its first page was recorded and before its place was kept.
  const dying = await ledger.worker();
  await ledger.waitForProjections();
  const perform = dying.acts.perform.bind(dying.acts);
  dying.acts.perform = async (acts) => {
    await perform(acts);
    throw new Error('killed');
  };
  await expect(dying.expiryJob.sweep()).rejects.toThrow('killed');
  await dying.stop();
  expect(await expired()).toHaveLength(1_000);
  expect(await progress()).toMatchObject([{ lots: 0, finished: false }]);

  const workers = [await ledger.worker(), await ledger.worker()];
  await Promise.all(workers.map((worker) => worker.expiryJob.sweep()));
  for (const worker of workers) await worker.stop();
  const points = (await expired()).map((data) => data.points);
  expect(points.length).toBe(2_300);
  expect(points.reduce((sum, each) => sum + each, 0)).toBe(
    claims.reduce((sum, { data }) => sum + data.amountPoints, 0),
  );
  expect(await progress()).toEqual([{ job: 'expiry', run: '2027-01-04', lots: 2_300, finished: true }]);
});
