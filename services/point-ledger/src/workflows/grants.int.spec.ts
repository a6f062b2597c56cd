import { setTimeout as pause } from 'node:timers/promises';
import type { DataOf } from '@tsunagu/contracts';
import type { AppendRequest, EventLog, RecordedEvent } from '@tsunagu/event-store';
import { readConfig } from '../config.js';
import { leaseStreamPrefix } from '../domain/lease.js';
import { replayGrant, streamsOfGrant } from '../domain/replay.js';
import { type Claim, claim, someId, startTestLedger, type TestLedger, toDecide } from '../test-ledger.js';
import { Accounts } from './accounts.js';
import { Grants } from './grants.js';
import { Leases } from './leases.js';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger.close());
afterEach(async () => {
  expect(await ledger.violations()).toEqual([]);
});

const grantsOf = async (fundId: string) =>
  (await ledger.eventsOf('PointsGranted')).filter((e) => (e.data as DataOf<'PointsGranted'>).fundId === fundId);
const refusalsOf = async (fundId: string) =>
  (await ledger.eventsOf('GrantRefused')).filter((e) => (e.data as DataOf<'GrantRefused'>).fundId === fundId);
const undrawn = async (fundId: string) => {
  const token = await ledger.token({ role: 'operator', ownerId: 'demo' });
  const answer = await ledger.call('GET', `/point-ledger/v1/funds/${fundId}`, { token });
  return answer.body.undrawnPoints;
};
/** I6: decided again from what was recorded, on the account, the fund and the lease as they were read. */
const replayed = async (answer: RecordedEvent, claims: readonly Claim[]) => {
  const order = claims.find(({ id }) => id === answer.causationId)?.data;
  if (!order) throw new Error('an answer to no claim');
  return replayGrant(order, answer, await ledger.log.readStreams(streamsOfGrant(order, answer))).same;
};
const claimsOn = (fundId: string, count: number, amountPoints = 1_000): Claim[] =>
  Array.from({ length: count }, () => claim({ fundId, amountPoints }));

describe('a batch of claims', () => {
  it('grants every claim, in one request with the draw', async () => {
    const fundId = await ledger.fund(1_000_000);
    const claims = claimsOn(fundId, 300);
    await ledger.claims(...claims);
    const grants = await grantsOf(fundId);
    expect(grants).toHaveLength(300);
    expect(new Set(grants.map((grant) => grant.requestId)).size).toBe(1);
    const [draw] = (await ledger.eventsOf('FundDrawn')).filter((event) => event.requestId === grants[0]?.requestId);
    expect(draw?.data).toMatchObject({ fundId, points: 300_000, grants: 300 });
    expect(grants[0]).toMatchObject({ causationId: claims[0]?.id, correlationId: claims[0]?.correlationId });
    expect(await undrawn(fundId)).toBe(700_000);
    const account = await ledger.account(claims[0]?.data.personId ?? '');
    expect(account.body).toMatchObject({ availablePoints: 1_000, exchangeablePoints: 1_000, heldPoints: 0 });
  });

  it('leaves a claim that identity holds alone until it comes reopened', async () => {
    const fundId = await ledger.fund(10_000);
    const held = claim({ fundId, heldFor: 'identity_review' });
    await ledger.claims(held, claim({ fundId }));
    expect((await grantsOf(fundId)).map(({ causationId }) => causationId)).not.toContain(held.id);
    expect([await undrawn(fundId), await refusalsOf(fundId)]).toEqual([9_000, []]);
    const { heldFor: _, ...order } = held.data;
    await ledger.claims(claim({ ...order, attempt: 2 }), held);
    const grants = (await grantsOf(fundId)).map(({ data }) => data as DataOf<'PointsGranted'>);
    expect(grants.filter(({ claimId }) => claimId === held.data.claimId).map(({ attempt }) => attempt)).toEqual([2]);
  });

  it('splits more than 500 grants over requests', async () => {
    const fundId = await ledger.fund(10_000_000);
    await ledger.claims(...claimsOn(fundId, 1_100));
    const grants = await grantsOf(fundId);
    expect(grants).toHaveLength(1_100);
    expect(new Set(grants.map((grant) => grant.requestId)).size).toBe(3);
  });

  it('draws nothing from a lease that is closed while it is decided in parts', async () => {
    const fundId = await ledger.fund(10_000_000);
    const { leases, slot } = await ledger.worker();
    // The first draw of two on their way lost to the close, which stood where the second one expected the first.
    let isClosed = false;
    const log = Object.assign(Object.create(ledger.log) as EventLog, {
      async append(requests: readonly AppendRequest[]) {
        const draws = requests.some(
          ({ writes }) => writes.at(-1)?.stream.startsWith(leaseStreamPrefix) && writes.length > 1,
        );
        if (draws && !isClosed) {
          isClosed = true;
          const [leased] = (await leases.look(fundId))?.leases ?? [];
          if (leased) await leases.repair(fundId, leased.leased.leaseId, { close: true });
        }
        return ledger.log.append(requests);
      },
    });
    const holder = new Grants(
      log,
      ledger.clock,
      new Leases(log, ledger.clock, slot),
      new Accounts(log),
      readConfig({}),
    );
    await holder.decide(claimsOn(fundId, 1_100).map(toDecide));
    expect(isClosed).toBe(true);
    expect(await undrawn(fundId)).toBe(10_000_000 - 1_100_000);
    expect(await ledger.violations()).toEqual([]);
  });

  it('that comes again, whole or cut differently, grants nothing again', async () => {
    const fundId = await ledger.fund(1_000_000);
    const claims = claimsOn(fundId, 30);
    await ledger.claims(...claims.slice(0, 20));
    await ledger.claims(...claims);
    await ledger.claims(...claims.slice(5, 25));
    const worker = await ledger.worker();
    await worker.grants.decide(claims.slice(15).map(toDecide));
    expect(await grantsOf(fundId)).toHaveLength(30);
    expect(await undrawn(fundId)).toBe(970_000);
    await worker.stop();
  });

  it('delivered to three workers at once, cut differently, is granted once', async () => {
    const fundId = await ledger.fund(1_000_000);
    const claims = claimsOn(fundId, 200).map(toDecide);
    const workers = await Promise.all([ledger.worker(), ledger.worker(), ledger.worker()]);
    await Promise.all([
      workers[0].grants.decide(claims),
      workers[1].grants.decide(claims.slice(0, 150)),
      workers[1].grants.decide(claims.slice(150)),
      workers[2].grants.decide(claims.toReversed()),
    ]);
    expect(await grantsOf(fundId)).toHaveLength(200);
    expect(await undrawn(fundId)).toBe(800_000);
    await Promise.all(workers.map((worker) => worker.stop()));
  });

  it('grants a measure to a person once, however many claims name it', async () => {
    const fundId = await ledger.fund(1_000_000);
    const personId = someId();
    const claims = Array.from({ length: 40 }, () => claim({ fundId, personId }));
    await ledger.claims(...claims);
    expect(await grantsOf(fundId)).toHaveLength(1);
    const refusals = await refusalsOf(fundId);
    expect(refusals).toHaveLength(39);
    expect(refusals[0]?.data).toMatchObject({ reasonCode: 'already_granted', curable: false });
  });

  it('pays two measures of one person from two funds, in any order', async () => {
    const [a, b] = [await ledger.fund(10_000), await ledger.fund(10_000)];
    const [first, second] = [someId(), someId()];
    const [one, two] = [someId(), someId()];
    await ledger.claims(
      claim({ fundId: a, personId: first, measureId: one }),
      claim({ fundId: b, personId: first, measureId: two }),
      claim({ fundId: b, personId: second, measureId: two }),
      claim({ fundId: a, personId: second, measureId: one }),
    );
    expect((await ledger.account(first)).body.availablePoints).toBe(2_000);
    expect((await ledger.account(second)).body.availablePoints).toBe(2_000);
  });

  it('refuses what the fund does not fit', async () => {
    const dryRun = await ledger.fund(10_000, { dryRun: true });
    const unknown = someId();
    await ledger.claims(
      claim({ fundId: unknown }),
      claim({ fundId: dryRun }),
      claim({ fundId: dryRun, amountPoints: 0 }),
    );
    expect((await refusalsOf(unknown))[0]?.data).toMatchObject({ reasonCode: 'fund_unknown' });
    const reasons = (await refusalsOf(dryRun)).map((event) => (event.data as DataOf<'GrantRefused'>).reasonCode);
    expect(reasons.toSorted()).toEqual(['amount_invalid', 'fund_mismatch']);
  });
});

describe('the last points of a fund', () => {
  it('are granted to the last yen, then fund_exhausted, and a raise cures it', async () => {
    const fundId = await ledger.fund(10_500);
    const claims = claimsOn(fundId, 12);
    await ledger.claims(...claims);
    expect(await grantsOf(fundId)).toHaveLength(10);
    const refusals = await refusalsOf(fundId);
    expect(refusals).toHaveLength(2);
    expect(refusals[0]?.data).toMatchObject({ reasonCode: 'fund_exhausted', curable: true, attempt: 1 });
    expect(refusals[0]?.reads).toHaveProperty(`fund-${fundId}`);
    for (const refusal of refusals) expect(await replayed(refusal, claims)).toBe(true);

    await ledger.claims(claim({ fundId, amountPoints: 500 }));
    expect(await undrawn(fundId)).toBe(0);

    const token = await ledger.token({ role: 'operator', ownerId: 'demo' });
    const headers = { 'idempotency-key': 'raise' };
    const path = `/point-ledger/v1/funds/${fundId}/raises`;
    const raised = await ledger.call('POST', path, { token, headers, body: { amountPoints: 2_000 } });
    expect(raised).toMatchObject({ status: 201, body: { committedPoints: 12_500, undrawnPoints: 2_000 } });
    const again = await ledger.call('POST', path, { token, headers, body: { amountPoints: 2_000 } });
    expect(again.body).toEqual(raised.body);

    const reopened = claims.slice(10).map(({ data }) => claim({ ...data, attempt: 2 }));
    await ledger.claims(...reopened);
    await ledger.claims(...claims, ...reopened);
    expect(await grantsOf(fundId)).toHaveLength(13);
    expect(await undrawn(fundId)).toBe(0);
  });

  it('claimed by two workers at once, are granted exactly', async () => {
    const fundId = await ledger.fund(1_000_000);
    const [one, two] = await Promise.all([ledger.worker(), ledger.worker()]);
    await one.grants.decide(claimsOn(fundId, 495, 2_000).map(toDecide));
    // 10,000 of 1,000,000 are left; both ask for all of it at once.
    await Promise.all([
      ...Array.from({ length: 5 }, () => one.grants.decide(claimsOn(fundId, 3).map(toDecide))),
      ...Array.from({ length: 5 }, () => two.grants.decide(claimsOn(fundId, 3).map(toDecide))),
    ]);
    expect(await grantsOf(fundId)).toHaveLength(505);
    expect(await refusalsOf(fundId)).toHaveLength(20);
    expect(await undrawn(fundId)).toBe(0);
    await Promise.all([one.stop(), two.stop()]);
  });

  it('under the lease of an idle worker are called back, not refused', async () => {
    const fundId = await ledger.fund(1_000);
    const idle = await ledger.worker();
    await idle.leases.secure(fundId, 1_000);
    await ledger.claims(claim({ fundId }));
    expect(await grantsOf(fundId)).toHaveLength(1);
    await idle.grants.decide([toDecide(claim({ fundId }))]);
    expect(await refusalsOf(fundId)).toHaveLength(1);
    await idle.stop();
  });

  it('under the lease of a worker that was killed come back to its successor', async () => {
    const fundId = await ledger.fund(5_000);
    const killed = await ledger.worker();
    const slot = await killed.slot.number();
    await killed.leases.secure(fundId, 5_000);
    const watcher = await ledger.worker();
    await watcher.slot.number();
    await killed.stop();
    // The server sees the end of the killed worker's session a moment later.
    while (!(await watcher.slot.isVacant(slot))) await pause(5);
    const successor = await ledger.worker();
    expect(await successor.slot.number()).toBe(slot);
    await successor.grants.decide(claimsOn(fundId, 5).map(toDecide));
    expect(await grantsOf(fundId)).toHaveLength(5);
    await Promise.all([watcher.stop(), successor.stop()]);
  });
});
