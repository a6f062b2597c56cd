import { isoTime, newId } from '@tsunagu/kernel';
import { accountStream } from '../domain/account.js';
import { type FundLeased, fundStream } from '../domain/fund.js';
import { leaseIds, leaseStream } from '../domain/lease.js';
import { type Claim, claim, startTestLedger, type TestLedger, toDecide } from '../test-ledger.js';
import { ledgerEvent } from './recording.js';

/** A worker that dies after any step of a lease, in the fund's log and in another: nothing is lost, and nothing twice. */

const POINTS = 3_000;
/** The slot of no living worker. */
const DEAD_SLOT = 200;

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger({ logs: 3 });
});
afterAll(() => ledger.close());
afterEach(async () => {
  expect(await ledger.violations()).toEqual([]);
});

async function append(stream: string, expectedRevision: number | 'noStream', id: string, type: string, data: object) {
  const cause = { id: null, correlationId: id };
  const meta = { id, cause, effectiveAt: isoTime(ledger.clock.now()), ownerId: 'demo' };
  const writes = [{ stream, expectedRevision, events: [ledgerEvent({ type, data }, meta)] }];
  expect(await ledger.log.append([{ writes }])).toMatchObject([{ outcome: 'appended' }]);
}

function claimIn(log: number, fundId: string, amountPoints = 1_000): Claim {
  for (;;) {
    const personId = newId(ledger.clock.now());
    if (ledger.log.logOf(accountStream(personId)) === log) return claim({ fundId, personId, amountPoints });
  }
}

/** The steps of a lease in order. A crash leaves out what comes after one of them. */
const steps = {
  async leased(leased: FundLeased) {
    await append(fundStream(leased.fundId), 0, leased.leaseId, 'FundLeased', leased);
  },
  async opened({ leaseId, fundId, slot, points, log = 0 }: FundLeased) {
    const opened = { leaseId, fundId, slot, points };
    await append(leaseStream({ leaseId, log }), 'noStream', leaseIds.opened(leaseId), 'LeaseOpened', opened);
  },
  /** By a worker of its own, which is gone afterwards. */
  async drawn({ leaseId, fundId, log = 0 }: FundLeased) {
    const { personId, claimId, measureId, campaignId } = claimIn(log, fundId).data;
    const lot = { lotId: newId(ledger.clock.now()), fundId, campaignId, measureId, ownerId: 'demo', dryRun: false };
    const meta = { effectiveAt: isoTime(ledger.clock.now()), ownerId: 'demo' };
    const kinds = { legalClass: 'free', usableFrom: null, batchId: null };
    const times = { grantedAt: meta.effectiveAt, expiresAt: null };
    const grant = { claimId, personId, amountPoints: 1_000, attempt: 1, ...lot, ...kinds, ...times };
    const cause = { id: null, correlationId: leaseId };
    const event = (type: string, data: object) =>
      ledgerEvent({ type, data }, { id: newId(ledger.clock.now()), cause, ...meta });
    const writes = [
      {
        stream: accountStream(personId),
        expectedRevision: 'noStream' as const,
        events: [event('PointsGranted', grant)],
      },
      {
        stream: leaseStream({ leaseId, log }),
        expectedRevision: 0,
        events: [event('FundDrawn', { leaseId, fundId, points: 1_000, grants: 1 })],
      },
    ];
    expect(await ledger.log.append([{ writes }])).toMatchObject([{ outcome: 'appended' }]);
  },
  async closed({ leaseId, fundId, log = 0 }: FundLeased) {
    const closed = { leaseId, fundId, restPoints: POINTS - 1_000 };
    await append(leaseStream({ leaseId, log }), 1, leaseIds.closed(leaseId), 'LeaseClosed', closed);
  },
};
type Step = keyof typeof steps;

/** A lease over the whole fund that got no further than a step. */
async function crashedAfter(last: Step, log: number): Promise<FundLeased> {
  const fundId = await ledger.fund(POINTS);
  const leaseId = newId(ledger.clock.now());
  const leased = { fundId, leaseId, slot: DEAD_SLOT, ...(log === 0 ? {} : { log }), points: POINTS };
  for (const [name, step] of Object.entries(steps)) {
    await step(leased);
    if (name === last) break;
  }
  return leased;
}

async function undrawn(fundId: string): Promise<number> {
  const token = await ledger.token({ role: 'operator', ownerId: 'demo' });
  return (await ledger.call('GET', `/point-ledger/v1/funds/${fundId}`, { token })).body.undrawnPoints;
}

async function stepsOf(leaseId: string): Promise<string[]> {
  const events = await ledger.events();
  return events.filter(({ data }) => (data as { leaseId?: string }).leaseId === leaseId).map(({ type }) => type);
}

const cases = [0, 2].flatMap((log) => (Object.keys(steps) as Step[]).map((step): [Step, number] => [step, log]));
const whole = (last: Step) => [
  'FundLeased',
  'LeaseOpened',
  ...(isDrawn(last) ? ['FundDrawn'] : []),
  'LeaseClosed',
  'FundReturned',
];
const isDrawn = (last: Step) => last === 'drawn' || last === 'closed';
const restOf = (last: Step) => (isDrawn(last) ? POINTS - 1_000 : POINTS);

it.each(cases)('after %s, in log %i, a claim gets what was left', async (last, log) => {
  const { fundId, leaseId } = await crashedAfter(last, log);
  expect(await undrawn(fundId)).toBe(restOf(last));
  const worker = await ledger.worker();
  // One in each log, the last of them with all that is left.
  const claims = [claimIn(1, fundId, 500), claimIn(0, fundId, 700), claimIn(2, fundId, restOf(last) - 1_200)];
  await worker.grants.decide(claims.map(toDecide));
  expect(await undrawn(fundId)).toBe(0);
  expect(await stepsOf(leaseId)).toEqual(whole(last));
  await worker.stop();
});

it.each(cases)('after %s, in log %i, the sweeper takes the steps that are missing', async (last, log) => {
  const { fundId, leaseId } = await crashedAfter(last, log);
  const [one, two] = [await ledger.worker(), await ledger.worker()];
  await Promise.all([one.leaseSweeper.sweep(), two.leaseSweeper.sweep()]);
  await one.leaseSweeper.sweep();
  expect(await stepsOf(leaseId)).toEqual(whole(last));
  expect(await undrawn(fundId)).toBe(restOf(last));
  await ledger.waitForProjections();
  expect((await ledger.pool.query('select from fund_leases where lease_id = $1', [leaseId])).rowCount).toBe(0);
  await Promise.all([one.stop(), two.stop()]);
});
