import { verifyProjection } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import { Pool } from 'pg';
import { definition } from './definition.js';
import { accountStream } from './domain/account.js';
import { listsProjection } from './projections/lists.js';
import { lotsProjection } from './projections/lots.js';
import { claim, someId } from './test-ledger.js';
import { type ListStage, startListStage } from './test-lists.js';

/** What staff do where people's accounts lie in two logs, and funds, proposals and lists in the first of them. */

let stage: ListStage;
let ownerPool: Pool;
beforeEach(async () => {
  stage = await startListStage({ logs: 2 });
  ownerPool = new Pool({ connectionString: stage.ownerUrl, max: 4 });
});
afterEach(async () => {
  try {
    expect(await stage.violations()).toEqual([]);
    await stage.waitForProjections();
    for (const projection of definition.projections) {
      const about = { ownerPool, schema: definition.schema, logs: stage.logs, projection };
      expect(await verifyProjection(about)).toMatchObject({ name: projection.name, equal: true });
    }
  } finally {
    await ownerPool.end();
    await stage.close();
  }
});

function personIn(log: number): string {
  for (;;) {
    const personId = newId(stage.clock.now());
    if (stage.log.logOf(accountStream(personId)) === log) return personId;
  }
}

const lotOf = async (personId: string) => (await stage.account(personId)).body.lots[0]?.lotId ?? '';

async function approved(path: string, body: object) {
  const proposed = await stage.staff('alice', 'POST', path, body);
  expect(proposed.status).toBe(201);
  return stage.staff('bob', 'POST', `proposals/${proposed.body.proposalId}/approve`);
}

it('a reversal, a write-off, an extension and a carry-over reach whom they are about, in either log', async () => {
  const fundId = await stage.fund(100_000);
  for (const log of [0, 1]) {
    const [reversed, owing] = [personIn(log), personIn(log)];
    await stage.claims(...[reversed, owing].map((personId) => claim({ fundId, personId, measureId: someId() })));
    const why = { reasonPattern: 'not_eligible', evidence: 'CASE-1' };
    const done = await approved('reversals', { accountId: reversed, lotId: await lotOf(reversed), ...why });
    expect(done.body).toMatchObject({ state: 'completed', outcome: { lots: 1, points: 1_000 } });
    expect((await stage.account(reversed)).body.availablePoints).toBe(0);

    const lotId = await lotOf(owing);
    await stage.exchange(owing, 400, { credited: 400 });
    const owed = await approved('reversals', { accountId: owing, lotId, ...why });
    expect(owed.body.outcome).toMatchObject({ points: 600, receivablePoints: 400 });
    const { receivableId } = (await stage.account(owing)).body.receivables[0] ?? {};
    const given = await approved('write-offs', {
      accountId: owing,
      receivableId,
      reasonPattern: 'hardship',
      evidence: 'CASE-2',
    });
    expect(given.body).toMatchObject({ state: 'completed', outcome: { receivablePoints: 400 } });
    expect((await stage.account(owing)).body.owedPoints).toBe(0);
  }

  const campaignId = someId();
  const persons = [personIn(0), personIn(1), personIn(1)];
  const pointsExpireAt = '2026-12-31T15:00:00.000Z';
  await stage.claims(
    ...persons.map((personId) => claim({ fundId, personId, campaignId, measureId: someId(), pointsExpireAt })),
  );
  const extension = {
    campaignId,
    expiresFrom: '2026-12-01T00:00:00+09:00',
    expiresBefore: '2027-01-02T00:00:00+09:00',
    newExpiresAt: '2027-07-01T00:00:00+09:00',
    reasonPattern: 'disaster_relief',
    evidence: 'ORDER-3',
  };
  const { proposalId } = (await approved('extensions', extension)).body;
  const { changeSweeper } = await stage.worker();
  await changeSweeper.sweep();
  expect((await stage.staff('alice', 'GET', `proposals/${proposalId}`)).body).toMatchObject({
    state: 'completed',
    outcome: { lots: 3 },
  });
  for (const personId of persons) {
    const { lots } = (await stage.account(personId)).body;
    expect(Date.parse(lots[0]?.expiresAt ?? '')).toBe(Date.parse(extension.newExpiresAt));
  }

  const toFundId = await stage.fund(1, { fiscalYear: 2027 });
  const body = { amountPoints: 5_000, reason: 'carried_over', toFundId };
  const carried = await stage.staff('alice', 'POST', `funds/${fundId}/lowerings`, body);
  expect(carried.body).toMatchObject({ state: 'completed', outcome: { points: 5_000 } });
  const { rows } = await stage.pool.query('select from carry_overs');
  expect(rows).toEqual([]);
});

it('a list is compared, granted and recalled over both logs', async () => {
  const fundId = await stage.fund(100_000);
  const persons = [0, 1, 0, 1, 1].map(personIn);
  const rows = persons.map((personId) => [personId, 1_000] as const);
  const listId = await stage.approved(rows, { fundId });
  await stage.granted(listId, 1);
  await stage.waitForProjections();
  expect((await stage.list(listId)).counts).toMatchObject({ grantedPersons: 5, grantedPoints: 5_000 });
  for (const personId of persons) expect((await stage.account(personId)).body.availablePoints).toBe(1_000);
  expect((await stage.act(listId, 'recall', 'anna', { reasonPattern: 'wrong_list' })).status).toBe(200);
  expect((await stage.act(listId, 'recall/approve', 'ben')).status).toBe(200);
  await stage.settled(listId, ({ state }) => state === 'recalled');
  await stage.waitForProjections();
  expect((await stage.list(listId)).counts).toMatchObject({ reversedPersons: 5, reversedPoints: 5_000 });
});

it('the grants of a list count, though their log is folded before the one that the list lies in', async () => {
  const fundId = await stage.fund(100_000);
  const rows = [1, 1, 0].map((log) => [personIn(log), 1_000] as const);
  const listId = await stage.approved(rows, { fundId });
  await stage.granted(listId, 1);
  await stage.waitForProjections();
  const logs = stage.logs.toReversed();
  const about = { ownerPool, schema: definition.schema, logs, projection: listsProjection };
  expect(await verifyProjection(about)).toMatchObject({ equal: true });
});

it("a day's sum of another log is left alone, and not waited for", async () => {
  const personId = personIn(0);
  const fundId = await stage.fund(10_000);
  await stage.claims(claim({ fundId, personId }));
  await stage.exchange(personId, 100, 'rejected');
  await stage.waitForProjections();
  const held = (await stage.eventsOf('PointsHeld')).filter(({ log }) => log === 0);
  const [other, own] = [await ownerPool.connect(), await ownerPool.connect()];
  try {
    // A sum on its way through nothing, in a transaction of log 1 that is not committed.
    const path = `set local search_path = ${definition.schema}`;
    await other.query(`insert into ${definition.schema}.expiring_points
      (log, owner_id, fund_id, dry_run, expires_on, available_points, held_points)
      values (1, 'demo', '${fundId}', false, '2027-01-01', 0, 0)`);
    await other.query(`begin; ${path}; update expiring_points set held_points = 5 where log = 1`);
    await own.query(`begin; ${path}; set local lock_timeout = '2s'`);
    await lotsProjection.apply(own, held);
    await own.query('rollback');
    await other.query('rollback');
    const { rows } = await other.query(`select log from ${definition.schema}.expiring_points where log = 1`);
    expect(rows).toHaveLength(1);
  } finally {
    await own.query('rollback');
    await other.query(`rollback; delete from ${definition.schema}.expiring_points where log = 1`);
    own.release();
    other.release();
  }
});
