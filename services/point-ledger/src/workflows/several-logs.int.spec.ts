import type { DataOf } from '@tsunagu/contracts';
import { proposeRoute, type RecordedEvent, readHolders, readRecords, verifyProjection } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import { Pool } from 'pg';
import { definition } from '../definition.js';
import { accountStream } from '../domain/account.js';
import { fundStream } from '../domain/fund.js';
import { leasesOf, replayGrant, streamsOfGrant } from '../domain/replay.js';
import { type Claim, claim, startTestLedger, type TestLedger, toDecide } from '../test-ledger.js';

/** The ledger over several logs, each in a database of its own. */

const hourMs = 3_600_000;

let ledger: TestLedger;
afterEach(async () => {
  try {
    expect(await ledger.violations()).toEqual([]);
  } finally {
    await ledger.close();
  }
});

function claimsOn(fundId: string, count: number, amountPoints = 1_000): Claim[] {
  return Array.from({ length: count }, () => claim({ fundId, amountPoints, personId: newId(ledger.clock.now()) }));
}

async function undrawn(fundId: string): Promise<number> {
  const token = await ledger.token({ role: 'operator', ownerId: 'demo' });
  return (await ledger.call('GET', `/point-ledger/v1/funds/${fundId}`, { token })).body.undrawnPoints;
}

function logOf(personId: string): number {
  return ledger.log.logOf(accountStream(personId));
}

/** I6: decided again from what was recorded. */
async function replayed(answer: RecordedEvent, claims: readonly Claim[]): Promise<boolean> {
  const order = claims.find(({ id }) => id === answer.causationId)?.data;
  if (!order) throw new Error('an answer to no claim');
  const streams = await ledger.log.readStreams(streamsOfGrant(order, answer));
  const leases = await ledger.log.readStreams(leasesOf(streams.get(fundStream(order.fundId)) ?? []));
  return replayGrant(order, answer, new Map([...leases, ...streams])).same;
}

/** I7, over all logs. */
async function expectHonestReadModels(): Promise<void> {
  await ledger.waitForProjections();
  const ownerPool = new Pool({ connectionString: ledger.ownerUrl, max: 2 });
  try {
    for (const projection of definition.projections) {
      const { schema } = definition;
      const verified = await verifyProjection({ ownerPool, schema, logs: ledger.logs, projection });
      expect(verified).toMatchObject({ name: projection.name, equal: true });
    }
  } finally {
    await ownerPool.end();
  }
}

describe('over four logs', () => {
  beforeEach(async () => {
    ledger = await startTestLedger({ logs: 4 });
  });

  it('a batch is granted in the logs of its accounts, and every read finds it there', async () => {
    const fundId = await ledger.fund(10_000_000);
    const claims = claimsOn(fundId, 400);
    await ledger.claims(...claims);
    await ledger.claims(...claims.slice(100, 300));
    const heads = await Promise.all(ledger.logs.map((log) => log.head()));
    for (const head of heads) expect(head).toBeGreaterThan(50);
    const grants = await ledger.eventsOf('PointsGranted');
    expect(grants).toHaveLength(400);
    for (const grant of grants) expect(grant.log).toBe(logOf((grant.data as DataOf<'PointsGranted'>).personId));
    for (const grant of grants.slice(0, 20)) expect(await replayed(grant, claims)).toBe(true);
    expect(await undrawn(fundId)).toBe(9_600_000);

    const { personId } = claims.find(({ data }) => logOf(data.personId) === 3)?.data ?? { personId: '' };
    expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 1_000 });
    const token = await ledger.token({ role: 'citizen', subject: personId });
    const { body } = await ledger.call('GET', '/point-ledger/v1/accounts/me/entries', { token });
    expect(body).toMatchObject({ upToDate: true, entries: [{ kind: 'grant', points: 1_000 }] });

    const operator = await ledger.token({ role: 'operator', ownerId: 'demo' });
    const balance = await ledger.call('GET', '/point-ledger/v1/trial-balance', { token: operator });
    const available = balance.body.rows.find((row: { account: string }) => row.account === `fund:${fundId}:available`);
    expect(available).toMatchObject({ debitPoints: 0, creditPoints: 400_000 });
    const funds = await ledger.call('GET', '/point-ledger/v1/funds', { token: operator });
    expect(funds.body.funds).toMatchObject([{ fundId, drawnPoints: 400_000, undrawnPoints: 9_600_000 }]);
    await expectHonestReadModels();
  });

  it('another service reads each log by its number', async () => {
    const fundId = await ledger.fund(1_000_000);
    await ledger.claims(...claimsOn(fundId, 60));
    const token = await ledger.token({ role: 'service', subject: 'campaign' });
    const read = (query: string) => ledger.call('GET', `/point-ledger/internal/v1/log?${query}`, { token });
    const counts = await Promise.all(
      [0, 1, 2, 3].map(async (log) => {
        const { body } = await read(`after=0&limit=1000&log=${log}`);
        for (const event of body.events) expect(event).toMatchObject({ log, type: 'PointsGranted' });
        return body.events.length as number;
      }),
    );
    expect(counts.reduce((sum, count) => sum + count)).toBe(60);
    expect((await read('after=0&log=4')).status).toBe(404);
    for (const log of ['-1', '1.5', 'x', '1e9']) expect((await read(`log=${log}`)).status).toBe(400);
  });

  it('eight workers race for the last hundredth of a fund: the last yen is granted, and none more', async () => {
    const fundId = await ledger.fund(1_000_000);
    const workers = await Promise.all(Array.from({ length: 8 }, () => ledger.worker()));
    await workers[0]?.grants.decide(claimsOn(fundId, 990).map(toDecide));
    // 10,000 points are left, under leases and on the fund; four times as much is asked for, at once and in every log.
    const claims = claimsOn(fundId, 40);
    await Promise.all(workers.map((worker, n) => worker.grants.decide(claims.slice(n * 5, (n + 1) * 5).map(toDecide))));
    const answers = (await ledger.events()).filter(({ causationId }) => claims.some(({ id }) => id === causationId));
    const of = (type: string) => answers.filter((event) => event.type === type);
    expect(of('PointsGranted')).toHaveLength(10);
    expect(of('GrantRefused')).toHaveLength(30);
    for (const refusal of of('GrantRefused')) {
      expect(refusal.data).toMatchObject({ reasonCode: 'fund_exhausted', curable: true });
      expect(await replayed(refusal, claims)).toBe(true);
    }
    expect(await undrawn(fundId)).toBe(0);
    await Promise.all(workers.map((worker) => worker.stop()));
    await expectHonestReadModels();
  });

  it('nobody is refused what is still there, whatever the amounts and wherever the rests lie', async () => {
    const fundId = await ledger.fund(20_000);
    const workers = await Promise.all(Array.from({ length: 8 }, () => ledger.worker()));
    const claims = workers.flatMap((_, n) => [
      ...claimsOn(fundId, 4, 900 + 7 * n),
      ...claimsOn(fundId, 2, 130 + n),
      ...claimsOn(fundId, 2, 1),
    ]);
    await Promise.all(workers.map((worker, n) => worker.grants.decide(claims.slice(n * 8, (n + 1) * 8).map(toDecide))));
    const answered = await ledger.events();
    const refusals = answered.filter(({ type }) => type === 'GrantRefused');
    expect(answered.filter(({ type }) => type === 'PointsGranted').length + refusals.length).toBe(64);
    const left = await undrawn(fundId);
    for (const refusal of refusals) {
      expect(await replayed(refusal, claims)).toBe(true);
      const asked = claims.find(({ id }) => id === refusal.causationId)?.data.amountPoints ?? 0;
      expect(asked).toBeGreaterThan(left);
    }
    // What is left after the race goes to whoever asks for no more than that.
    if (left > 0) await ledger.claims(...claimsOn(fundId, 1, left));
    expect(await undrawn(fundId)).toBe(0);
    await Promise.all(workers.map((worker) => worker.stop()));
  });
});

describe('a log is added while claims run', () => {
  beforeEach(async () => {
    ledger = await startTestLedger({ logs: 2, begunLogs: 1 });
  });

  it('nothing moves, nothing is lost, and a process without it holds it back', async () => {
    const fundId = await ledger.fund(100_000_000);
    const [old, one, two] = await Promise.all([ledger.worker({ logs: 1 }), ledger.worker(), ledger.worker()]);
    const all: Claim[] = [];
    let isRunning = true;
    const run = async (worker: typeof one) => {
      while (isRunning) {
        const claims = claimsOn(fundId, 20);
        all.push(...claims);
        // Some are people who were there before, with another measure.
        const again = all
          .slice(0, 5)
          .map(({ data }) => claim({ fundId, personId: data.personId, measureId: newId(1) }));
        await worker.grants.decide([...claims, ...again].map(toDecide));
      }
    };
    const running = [run(one), run(two)];
    const nowMs = ledger.clock.now();
    const proposal = { validFromMs: nowMs + 2 * hourMs, logs: [0, 1], by: 'staff:operator', nowMs };
    expect(await proposeRoute(ledger.pool, proposal)).toBe(1);
    const isConfirmed = async () => (await readRecords(ledger.pool)).entries[0]?.isConfirmed === true;
    // Every process but one has taken it up.
    await until(async () => (await readHolders(ledger.pool)).filter(({ version }) => version === 1).length === 3);
    expect(await isConfirmed()).toBe(false);
    await old.stop();
    await until(isConfirmed);
    const before = [...all];
    ledger.clock.forward(3 * hourMs);
    await until(async () => (await ledger.logs[1]?.head()) !== 0);
    isRunning = false;
    await Promise.all(running);

    const claimed = new Map<string, number>();
    const logsOfPerson = new Map<string, Set<number>>();
    for (const { log, data } of await ledger.eventsOf('PointsGranted')) {
      const { claimId, personId } = data as DataOf<'PointsGranted'>;
      claimed.set(claimId, (claimed.get(claimId) ?? 0) + 1);
      logsOfPerson.set(personId, (logsOfPerson.get(personId) ?? new Set()).add(log));
    }
    for (const { data } of all) expect(claimed.get(data.claimId)).toBe(1);
    for (const { data } of before) expect([...(logsOfPerson.get(data.personId) ?? [])]).toEqual([0]);
    for (const logs of logsOfPerson.values()) expect(logs.size).toBe(1);
    expect(new Set([...logsOfPerson.values()].flatMap((logs) => [...logs]))).toEqual(new Set([0, 1]));
    await Promise.all([one.stop(), two.stop()]);
    await expectHonestReadModels();
  });
});

/** Polls a state; jest's time limit ends what never comes. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}
