import { type DataOf, topics } from '@tsunagu/contracts';
import { message } from '@tsunagu/service-host/testing';
import { claim, someId, startTestLedger, type TestLedger } from '../test-ledger.js';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger.close());
afterEach(async () => {
  expect(await ledger.violations()).toEqual([]);
});

type Requested = DataOf<'ExchangeRequested'>;

function requested(personId: string, points: number, more: Partial<Requested> = {}) {
  const ids = { exchangeId: someId(), linkId: someId(), providerId: 'sim-pay' };
  return message<Requested>('ExchangeRequested', { ...ids, personId, points, payingOwnerIds: ['demo'], ...more });
}
function confirmed({ exchangeId, personId, providerId, points }: Requested) {
  return message('ExchangeConfirmed', { exchangeId, personId, providerId, points });
}
function rejected({ exchangeId, personId, providerId, points }: Requested) {
  return message('ExchangeRejected', { exchangeId, personId, providerId, points, reasonCode: 'provider_rejected' });
}

const deliver = (...messages: Parameters<TestLedger['deliver']>[1]) => ledger.deliver(topics.exchange, messages);

async function personWith(...lots: readonly { amountPoints: number; pointsExpireAt?: string; fundId?: string }[]) {
  const personId = someId();
  const fundId = await ledger.fund(1_000_000);
  await ledger.claims(...lots.map((lot) => claim({ fundId, personId, measureId: someId(), ...lot })));
  return personId;
}

async function eventsOf(personId: string) {
  return (await ledger.events()).filter((event) => event.stream === `account-${personId}`).slice(1);
}

it('holds, soonest expiry first, and captures', async () => {
  const personId = await personWith(
    { amountPoints: 500 },
    { amountPoints: 300, pointsExpireAt: '2027-03-31T15:00:00.000Z' },
    { amountPoints: 400, pointsExpireAt: '2026-12-31T15:00:00.000Z' },
  );
  const request = requested(personId, 800);
  await deliver(request);
  expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 400, heldPoints: 800 });
  const held = (await ledger.account(personId)).body.lots.map((lot) => lot.heldPoints);
  expect(held).toEqual([100, 300, 400]);

  await deliver(confirmed(request.data));
  expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 400, heldPoints: 0 });
  const [capture] = (await eventsOf(personId)).slice(-1);
  expect(capture).toMatchObject({
    type: 'HoldCaptured',
    causationId: expect.any(String),
    data: { points: 800, providerId: 'sim-pay' },
  });
});

it('releases what was held when the exchange is rejected', async () => {
  const personId = await personWith({ amountPoints: 500 });
  const request = requested(personId, 500);
  await deliver(request, rejected(request.data));
  expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 500, heldPoints: 0 });
  const released = (await eventsOf(personId)).at(-1);
  expect(released).toMatchObject({ type: 'HoldReleased', data: { reasonCode: 'provider_rejected' } });
});

it('refuses more than there is, and two at once for the same points', async () => {
  const personId = await personWith({ amountPoints: 500 });
  await deliver(requested(personId, 600), requested(personId, 300), requested(personId, 300));
  const events = await eventsOf(personId);
  expect(events.map((event) => event.type)).toEqual(['HoldRefused', 'PointsHeld', 'HoldRefused']);
  expect(events[0]?.data).toMatchObject({ reasonCode: 'insufficient_points', exchangeablePoints: 500, points: 600 });
  expect(events[2]?.data).toMatchObject({ exchangeablePoints: 200 });
});

it('takes only lots whose owner has a contract, that are not dry-run and not expired', async () => {
  const dryRun = await ledger.fund(1_000, { dryRun: true });
  const personId = await personWith({ amountPoints: 500, pointsExpireAt: '2026-11-20T01:30:00.000Z' });
  await ledger.claims(claim({ personId, fundId: dryRun, dryRun: true, measureId: someId() }));
  expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 500 });
  await deliver(requested(personId, 100, { payingOwnerIds: ['other'] }));
  ledger.clock.forward(3_600_000);
  expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 0, exchangeablePoints: 0 });
  await deliver(requested(personId, 100));
  const refusals = (await eventsOf(personId)).filter((event) => event.type === 'HoldRefused');
  expect(refusals.map((event) => (event.data as { exchangeablePoints: number }).exchangeablePoints)).toEqual([0, 0]);
});

it('changes nothing when messages come again', async () => {
  const personId = await personWith({ amountPoints: 1_000 });
  const request = requested(personId, 400);
  const end = confirmed(request.data);
  await deliver(request, request);
  await Promise.all([deliver(request, end), deliver(end), deliver(request), deliver(end, end)]);
  expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 600, heldPoints: 0 });
  expect(await eventsOf(personId)).toHaveLength(2);
});

it('never holds for an exchange that ended before its request came', async () => {
  const personId = await personWith({ amountPoints: 1_000 });
  const request = requested(personId, 400);
  await deliver(rejected(request.data));
  await deliver(request);
  const events = await eventsOf(personId);
  expect(events.map((event) => event.type)).toEqual(['HoldRefused']);
  expect(events[0]?.data).toMatchObject({ reasonCode: 'exchange_ended' });
});

it('will not work off an outcome that contradicts the account', async () => {
  const personId = await personWith({ amountPoints: 1_000 });
  const [kept, lost] = [requested(personId, 400), requested(personId, 300)];
  await deliver(kept, rejected(kept.data));
  await expect(deliver(lost, confirmed(kept.data))).rejects.toMatchObject({ name: 'UnprocessableMessage' });
  // What stood beside it in the batch is done.
  expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 700, heldPoints: 300 });
  await expect(deliver(confirmed(requested(personId, 1).data))).rejects.toThrow('never held');
});

it('100 persons exchange at once in one batch', async () => {
  const fundId = await ledger.fund(1_000_000);
  const persons = Array.from({ length: 100 }, someId);
  await ledger.claims(...persons.map((personId) => claim({ personId, fundId })));
  const requests = persons.map((personId) => requested(personId, 700));
  await Promise.all([deliver(...requests), deliver(...requests.toReversed())]);
  expect(
    (await ledger.eventsOf('PointsHeld')).filter((e) => persons.includes((e.data as Requested).personId)),
  ).toHaveLength(100);
});

describe('a hold past its deadline', () => {
  async function overdueHold() {
    const personId = await personWith({ amountPoints: 500 });
    const request = requested(personId, 500);
    await deliver(request);
    ledger.clock.forward(3_600_000);
    return request.data;
  }

  it.each(['confirmed', 'released'] as const)('follows its owner when that recorded %s', async (outcome) => {
    const { personId, exchangeId } = await overdueHold();
    const end = outcome === 'confirmed' ? confirmed : rejected;
    const recorded = end(requested(personId, 500, { exchangeId }).data);
    const asked: string[] = [];
    ledger.questions['exchange-settlement'] = (path) => {
      asked.push(path);
      return path.includes(exchangeId)
        ? { exchangeId, state: outcome, outcome, eventId: recorded.id }
        : { exchangeId, state: 'submitted', outcome: 'open', eventId: null };
    };
    const worker = await ledger.worker();
    await worker.holdSweeper.sweep();
    await worker.stop();
    expect(asked).toContain(`exchanges/${exchangeId}/outcome`);
    const events = await eventsOf(personId);
    expect(events.at(-1)?.type).toBe(outcome === 'confirmed' ? 'HoldCaptured' : 'HoldReleased');
    // The owner's own message, later, finds its answer on the log.
    await deliver(recorded);
    expect(await eventsOf(personId)).toHaveLength(2);
  });

  it.each(['open', 'unknown'] as const)('stays and raises an alarm while its owner says %s', async (state) => {
    const { personId, exchangeId } = await overdueHold();
    ledger.questions['exchange-settlement'] = () =>
      state === 'open' ? { exchangeId, state: 'outcome_unknown', outcome: 'open', eventId: null } : undefined;
    const worker = await ledger.worker();
    await worker.holdSweeper.sweep();
    await worker.stop();
    expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 0, heldPoints: 500 });
    expect(worker.alarms.some((line) => line.exchangeId === exchangeId && line.alarm)).toBe(true);
  });
});
