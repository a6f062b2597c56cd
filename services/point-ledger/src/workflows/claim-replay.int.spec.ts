import { topics } from '@tsunagu/contracts';
import { servicePool } from '@tsunagu/service-host';
import { message } from '@tsunagu/service-host/testing';
import { definition } from '../definition.js';
import { type Claim, claim, someId, startTestLedger, type TestLedger } from '../test-ledger.js';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger.close());

const orderOf = ({ id, type, schemaVersion, data }: Claim) => ({ id, type, schemaVersion, data });

async function ask(body: unknown) {
  const token = await ledger.token({ role: 'service', subject: 'campaign' });
  return ledger.call('POST', '/point-ledger/internal/v1/claim-replays', { token, body });
}

function askFor(first: Claim, ...again: readonly Claim[]) {
  const { claimId, personId } = first.data;
  return ask({ claimId, personId, orders: [first, ...again].map(orderOf) });
}

type Step = { event: { type: string; data: object }; postings: object[]; again?: { same: boolean } };
const told = (steps: Step[]) => steps.map(({ event, again }) => [event.type, again?.same]);

it('tells every event that touched the claim, with its postings, and decides again', async () => {
  const [fundId, personId] = [await ledger.fund(900), someId()];
  const first = claim({ fundId, personId });
  const other = claim({ fundId: await ledger.fund(5_000), personId, measureId: someId(), amountPoints: 500 });
  await ledger.claims(first, other);
  const token = await ledger.token({ role: 'operator', ownerId: 'demo' });
  const headers = { 'idempotency-key': someId() };
  const raise = { token, headers, body: { amountPoints: 600 } };
  expect((await ledger.call('POST', `/point-ledger/v1/funds/${fundId}/raises`, raise)).status).toBe(201);
  const again = claim({ ...first.data, attempt: 2 });
  await ledger.claims(again);
  const exchange = { exchangeId: someId(), personId, providerId: 'sim-pay', points: 1_200 };
  await ledger.deliver(topics.exchange, [
    message('ExchangeRequested', { ...exchange, linkId: someId(), payingOwnerIds: ['demo'] }),
    message('ExchangeConfirmed', exchange),
  ]);

  const { status, body } = await askFor(first, again);
  expect(status).toBe(200);
  expect(told(body.steps)).toEqual([
    ['GrantRefused', true],
    ['PointsGranted', true],
    ['PointsHeld', undefined],
    ['HoldCaptured', undefined],
  ]);
  const [, granted, held, captured] = body.steps;
  expect(granted.postings).toMatchObject([
    { debitAccount: `fund:${fundId}:undrawn`, creditAccount: `fund:${fundId}:available`, points: 1_000 },
  ]);
  expect(held.event.data.lots).toMatchObject([{ lotId: granted.event.data.lotId, points: 700 }]);
  expect(held.event.data).not.toHaveProperty('points');
  expect(captured.postings).toMatchObject([
    { creditAccount: `provider:sim-pay:fund:${fundId}:exchanged`, points: 700 },
  ]);
});

it('shows a decision that was changed, one that nobody asked for, and a log that contradicts itself', async () => {
  const fundId = await ledger.fund(10_000);
  const [changed, unasked, impossible] = [claim({ fundId }), claim({ fundId }), claim({ fundId })];
  await ledger.claims(changed, unasked, impossible);
  const owner = servicePool({ url: ledger.ownerUrl, schema: definition.schema, connectionsMax: 1 });
  const { rows } = await owner.query<{ data: object }>(
    `update events set data = jsonb_set(data::jsonb, '{amountPoints}', '2000')::json
      where causation_id = $1 and type = 'PointsGranted' returning data`,
    [changed.id],
  );
  await owner.query(`update events set type = 'LeaseOpened' where type = 'FundDrawn' and causation_id = $1`, [
    changed.id,
  ]);
  const steps = async (first: Claim, orders = [orderOf(first)]) => {
    const { claimId, personId } = first.data;
    return (await ask({ claimId, personId, orders })).body.steps;
  };
  const [differs] = await steps(changed);
  await owner.query(`update events set type = 'FundDrawn' where type = 'LeaseOpened' and causation_id = $1`, [
    changed.id,
  ]);
  expect(differs.event.data).toEqual(rows[0]?.data);
  expect(differs.again).toMatchObject({ same: false });
  expect((await steps(changed))[0].again).toMatchObject({ same: false, decided: { data: { amountPoints: 1_000 } } });

  expect(await steps(unasked, [orderOf(claim({ fundId }))])).toMatchObject([
    { again: { same: false, decided: null, problem: expect.stringContaining('not among the events') } },
  ]);
  await owner.query(`update events set type = 'FundLeased' where stream = $1 and revision = 0`, [`fund-${fundId}`]);
  expect(await steps(impossible)).toMatchObject([
    { again: { same: false, decided: null, problem: expect.any(String) } },
  ]);
  await owner.query(`update events set type = 'FundCommitted' where stream = $1 and revision = 0`, [`fund-${fundId}`]);
  await owner.query(
    `update events set data = jsonb_set(data::jsonb, '{amountPoints}', '1000')::json
      where causation_id = $1 and type = 'PointsGranted'`,
    [changed.id],
  );
  await owner.end();
  expect(await ledger.violations()).toEqual([]);
});

it('knows nothing of a claim that it was never told', async () => {
  expect(await askFor(claim({ fundId: someId() }))).toMatchObject({ status: 200, body: { steps: [] } });
});

it('is for services, and refuses what is no question', async () => {
  const order = claim({ fundId: someId() });
  const { claimId, personId } = order.data;
  const good = { claimId, personId, orders: [orderOf(order)] };
  for (const body of [
    {},
    [],
    { ...good, claimId: 'x' },
    { ...good, personId: 7 },
    { ...good, orders: [] },
    { ...good, orders: Array.from({ length: 65 }, () => ({ ...orderOf(order), data: {} })) },
    { ...good, orders: [{ ...orderOf(order), type: 'PointsGranted' }] },
    { ...good, orders: [{ ...orderOf(order), schemaVersion: 2 }] },
    { ...good, orders: [{ ...orderOf(order), schemaVersion: 0 }] },
    { ...good, orders: [{ ...orderOf(order), data: { ...order.data, amountPoints: -1 } }] },
    { ...good, orders: [{ ...orderOf(order), data: null }] },
    { ...good, orders: [null] },
    { ...good, more: 1 },
  ]) {
    expect(await ask(body)).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
  }
  const token = await ledger.token({ role: 'auditor', ownerId: 'demo' });
  const path = '/point-ledger/internal/v1/claim-replays';
  expect((await ledger.call('POST', path, { token, body: good })).status).toBe(403);
});
