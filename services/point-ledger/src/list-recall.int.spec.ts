import { type DataOf, topics } from '@tsunagu/contracts';
import { message } from '@tsunagu/service-host/testing';
import { claim, someId } from './test-ledger.js';
import { type ListStage, startListStage } from './test-lists.js';

let stage: ListStage;
beforeAll(async () => {
  stage = await startListStage();
});
afterAll(() => stage.close());
afterEach(async () => {
  expect(await stage.violations()).toEqual([]);
});

const HOUR_MS = 3_600_000;
const exchange = (personId: string, points: number) =>
  message<DataOf<'ExchangeRequested'>>('ExchangeRequested', {
    exchangeId: someId(),
    personId,
    linkId: someId(),
    providerId: 'sim-pay',
    points,
    payingOwnerIds: ['demo'],
  });

async function recalled(listId: string) {
  const done = await stage.act(listId, 'recall', 'anna', { reasonPattern: 'wrong_list' });
  expect(done).toMatchObject({ status: 200, body: { paused: true, recall: { proposedBy: 'staff:anna' } } });
  expect(await stage.act(listId, 'recall/approve', 'anna')).toMatchObject({
    status: 403,
    body: { code: 'point_ledger.second_person_required' },
  });
  expect((await stage.act(listId, 'recall/approve', 'ben')).status).toBe(200);
  return stage.settled(listId, ({ state }) => state === 'recalled');
}

describe('Tottori: a wrong list must be stopped and taken back', () => {
  it('noticed inside its embargo it is taken back whole: nobody could use a point of it', async () => {
    const fundId = await stage.fund(100_000);
    const persons = Array.from({ length: 70 }, () => someId());
    const own = persons[0] ?? '';
    await stage.claims(claim({ fundId, personId: own, amountPoints: 300 }));
    const rows = persons.map((personId) => [personId, 1_000] as const);
    const listId = await stage.approved(rows, { fundId, stagePercents: [50], embargoHours: 72 });
    await stage.granted(listId, 1);

    await stage.deliver(topics.exchange, [exchange(own, 1_000)]);
    const [refusal] = await stage.eventsOf('HoldRefused');
    expect(refusal?.data).toMatchObject({ reasonCode: 'points_not_usable_yet', exchangeablePoints: 300 });

    const list = await recalled(listId);
    expect(list.counts).toMatchObject({
      grantedPersons: 35,
      reversedPersons: 35,
      reversedPoints: 35_000,
      upToDate: true,
    });
    const reversals = await stage.eventsOf('GrantReversed');
    expect(reversals).toHaveLength(35);
    for (const { data, actor } of reversals) {
      expect(data).toMatchObject({ batchId: listId, points: 1_000, receivablePoints: 0, reasonPattern: 'wrong_list' });
      expect(actor).toBe('staff:ben');
    }
    for (const personId of persons) {
      const { availablePoints } = (await stage.account(personId)).body;
      expect(availablePoints).toBe(personId === own ? 300 : 0);
    }
    for (const path of ['stages/2/start', 'resume', 'discard'])
      expect((await stage.act(listId, path, 'anna')).status).toBe(409);
    expect((await stage.act(listId, 'recall/approve', 'ben')).body.state).toBe('recalled');
  });

  it('noticed three days later, what was used is owed and the rest is taken back', async () => {
    const fundId = await stage.fund(10_000);
    const [spender, saver] = [someId(), someId()];
    const listId = await stage.approved(
      [
        [spender, 1_000],
        [saver, 1_000],
      ],
      { fundId, embargoHours: 24 },
    );
    await stage.granted(listId, 1);
    stage.clock.forward(72 * HOUR_MS);
    const request = exchange(spender, 600);
    await stage.deliver(topics.exchange, [request]);
    expect((await stage.account(spender)).body).toMatchObject({ availablePoints: 400, heldPoints: 600 });
    await recalled(listId);
    expect((await stage.account(saver)).body.availablePoints).toBe(0);
    expect((await stage.account(spender)).body).toMatchObject({ availablePoints: 0, heldPoints: 600 });
  });

  it('is stopped by one person at once, and resumed when it was a false alarm', async () => {
    const fundId = await stage.fund(10_000);
    const listId = await stage.approved(
      [
        [someId(), 10],
        [someId(), 10],
      ],
      { fundId, stagePercents: [50] },
    );
    expect((await stage.act(listId, 'recall/approve', 'ben')).status).toBe(409);
    await stage.granted(listId, 1);
    await stage.act(listId, 'recall', 'ben', { reasonPattern: 'not_eligible' });
    expect((await stage.act(listId, 'stages/2/start', 'anna')).status).toBe(409);
    expect(await stage.act(listId, 'resume', 'anna')).toMatchObject({ status: 200, body: { paused: false } });
    expect((await stage.act(listId, 'recall/approve', 'anna')).status).toBe(409);
    expect((await stage.granted(listId, 2)).counts).toMatchObject({ grantedPersons: 2, reversedPersons: 0 });
  });
});
