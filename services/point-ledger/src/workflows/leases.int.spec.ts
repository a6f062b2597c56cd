import { setTimeout as pause } from 'node:timers/promises';
import { isoTime, newId } from '@tsunagu/kernel';
import { Client } from 'pg';
import { fundStream } from '../domain/fund.js';
import { leaseIds, leaseStream } from '../domain/lease.js';
import { claim, startTestLedger, type TestLedger, type TestWorker, toDecide } from '../test-ledger.js';
import { ledgerEvent } from './recording.js';

/** A crash between two steps of a lease: the first is on the log, the second is not. */

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger.close());
afterEach(async () => {
  expect(await ledger.violations()).toEqual([]);
});

/** The slot of no living worker. */
const DEAD_SLOT = 200;

async function append(stream: string, expectedRevision: number | 'noStream', id: string, type: string, data: object) {
  const meta = {
    id,
    cause: { id: null, correlationId: id },
    effectiveAt: isoTime(ledger.clock.now()),
    ownerId: 'demo',
  };
  const [outcome] = await ledger.log.append([
    { writes: [{ stream, expectedRevision, events: [ledgerEvent({ type, data }, meta)] }] },
  ]);
  expect(outcome?.outcome).toBe('appended');
}

/** FundLeased without LeaseOpened. */
async function leasedOnly(fundId: string, points: number, slot = DEAD_SLOT): Promise<string> {
  const leaseId = newId(ledger.clock.now());
  await append(fundStream(fundId), 0, leaseId, 'FundLeased', { fundId, leaseId, slot, points });
  return leaseId;
}

/** LeaseClosed without FundReturned. */
async function closedOnly(fundId: string, points: number): Promise<string> {
  const leaseId = await leasedOnly(fundId, points);
  const opened = { leaseId, fundId, slot: DEAD_SLOT, points };
  await append(leaseStream({ leaseId }), 'noStream', leaseIds.opened(leaseId), 'LeaseOpened', opened);
  const closed = { leaseId, fundId, restPoints: points };
  await append(leaseStream({ leaseId }), 0, leaseIds.closed(leaseId), 'LeaseClosed', closed);
  return leaseId;
}

async function grantsAll(fundId: string) {
  const worker = await ledger.worker();
  await worker.grants.decide([claim({ fundId }), claim({ fundId })].map(toDecide));
  const grants = (await ledger.eventsOf('PointsGranted')).filter(
    (e) => (e.data as { fundId: string }).fundId === fundId,
  );
  expect(grants).toHaveLength(2);
  await worker.stop();
}

async function leaseSteps(leaseId: string): Promise<string[]> {
  const events = await ledger.events();
  return events.filter((e) => (e.data as { leaseId?: string }).leaseId === leaseId).map((e) => e.type);
}

it('a lease that was never opened is called back for a claim', async () => {
  const fundId = await ledger.fund(2_000);
  const leaseId = await leasedOnly(fundId, 2_000);
  await grantsAll(fundId);
  expect(await leaseSteps(leaseId)).toEqual(['FundLeased', 'LeaseOpened', 'LeaseClosed', 'FundReturned']);
});

it('a closed lease whose rest did not come back is brought back for a claim', async () => {
  const fundId = await ledger.fund(2_000);
  const leaseId = await closedOnly(fundId, 2_000);
  await grantsAll(fundId);
  expect(await leaseSteps(leaseId)).toEqual(['FundLeased', 'LeaseOpened', 'LeaseClosed', 'FundReturned']);
});

describe('the sweeper', () => {
  let worker: TestWorker;
  beforeEach(async () => {
    worker = await ledger.worker();
  });
  afterEach(() => worker.stop());

  it('brings back the rest of a closed lease and closes the leases of a worker that is gone', async () => {
    const [one, two] = [await ledger.fund(2_000), await ledger.fund(2_000)];
    const leases = [await closedOnly(one, 2_000), await leasedOnly(two, 2_000)];
    await worker.leaseSweeper.sweep();
    for (const leaseId of leases) expect(await leaseSteps(leaseId)).toContain('FundReturned');
    expect(worker.alarms.some((line) => line.alarm === 'lease_step_overdue')).toBe(true);
    await ledger.waitForProjections();
    expect((await ledger.pool.query('select from fund_leases where lease_id = any ($1)', [leases])).rowCount).toBe(0);
  });

  it('opens an overdue lease of a living worker and leaves its open leases alone', async () => {
    const fundId = await ledger.fund(2_000);
    const living = await ledger.worker();
    const leaseId = await leasedOnly(fundId, 1_000, await living.slot.number());
    await worker.leaseSweeper.sweep();
    expect(await leaseSteps(leaseId)).toEqual(['FundLeased']);
    ledger.clock.forward(60_000);
    await worker.leaseSweeper.sweep();
    await worker.leaseSweeper.sweep();
    expect(await leaseSteps(leaseId)).toEqual(['FundLeased', 'LeaseOpened']);
    await living.stop();
  });

  it('run by two workers at once takes each step once', async () => {
    const fundId = await ledger.fund(2_000);
    const leaseId = await closedOnly(fundId, 2_000);
    const other = await ledger.worker();
    await Promise.all([worker, other].map(({ leases }) => leases.repair(fundId, leaseId, { close: true })));
    expect(await leaseSteps(leaseId)).toEqual(['FundLeased', 'LeaseOpened', 'LeaseClosed', 'FundReturned']);
    await other.stop();
  });
});

it('a worker whose session is cut takes a number again and goes on', async () => {
  const fundId = await ledger.fund(3_000);
  const worker = await ledger.worker();
  await worker.grants.decide([toDecide(claim({ fundId, amountPoints: 500 }))]);
  const before = await worker.slot.number();
  const owner = new Client({ connectionString: ledger.ownerUrl });
  await owner.connect();
  await owner.query(
    `select pg_terminate_backend(pid) from pg_locks
      where locktype = 'advisory' and objid = $1 and objsubid = 2
        and database = (select oid from pg_database where datname = current_database())`,
    [before],
  );
  await owner.end();
  await pause(50);
  await worker.grants.decide([toDecide(claim({ fundId, amountPoints: 2_500 }))]);
  expect(await worker.slot.number()).toBeGreaterThanOrEqual(0);
  await worker.stop();
});
