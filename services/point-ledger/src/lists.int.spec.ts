import { toNewEvent } from '@tsunagu/event-store';
import { listStream } from './domain/list-grant.js';
import { claim, someId } from './test-ledger.js';
import { type ListStage, listCsv, type Row, startListStage } from './test-lists.js';

let stage: ListStage;
beforeAll(async () => {
  stage = await startListStage();
});
afterAll(() => stage.close());
afterEach(async () => {
  expect(await stage.violations()).toEqual([]);
});

const people = (count: number): string[] => Array.from({ length: count }, () => someId());
const rowsFor = (persons: readonly string[], points = 1_000): Row[] => persons.map((personId) => [personId, points]);
const stamp = () => ({
  id: someId(),
  effectiveAt: '2026-11-20T01:00:00.000Z',
  correlationId: someId(),
  causationId: null,
  actor: 'staff:anna',
  ownerId: 'demo',
});
const pointsOf = async (personId: string) => (await stage.account(personId)).body;

describe('a list from its file to its last grant', () => {
  it('is granted in stages, each started by a person, and its points wait out their embargo', async () => {
    const fundId = await stage.fund(1_000_000);
    const persons = people(40);
    const listId = await stage.approved(rowsFor(persons), { fundId, stagePercents: [5, 25], embargoHours: 48 });
    const before = await stage.list(listId);
    expect(before).toMatchObject({ state: 'approved', release: { proposedBy: 'staff:anna', approvedBy: 'staff:ben' } });
    expect(
      before.release.stages.map((each: { firstRow: number; lastRow: number }) => [each.firstRow, each.lastRow]),
    ).toEqual([
      [1, 2],
      [3, 12],
      [13, 40],
    ]);
    expect((await stage.act(listId, 'stages/2/start', 'anna')).body.code).toBe('point_ledger.list_wrong_state');
    expect((await stage.granted(listId, 1)).counts).toMatchObject({
      grantedPersons: 2,
      grantedPoints: 2_000,
      upToDate: true,
    });
    await stage.granted(listId, 2);
    expect(await stage.granted(listId, 3)).toMatchObject({
      state: 'granted',
      counts: { grantedPersons: 40, refusedPersons: 0 },
    });
    const [lot] = (await pointsOf(persons[7] ?? '')).lots as unknown as {
      usableFrom: string;
      remainingPoints: number;
    }[];
    expect(lot?.remainingPoints).toBe(1_000);
    const grants = (await stage.eventsOf('PointsGranted')).filter(({ correlationId }) => correlationId === listId);
    expect(new Set(grants.map(({ stream }) => stream)).size).toBe(40);
    for (const { data } of grants) {
      const { batchId, usableFrom, grantedAt } = data as { batchId: string; usableFrom: string; grantedAt: string };
      expect(batchId).toBe(listId);
      expect(Date.parse(usableFrom) - Date.parse(grantedAt)).toBe(48 * 3_600_000);
    }
  });

  it('goes through the ledger`s ordinary grant: who has the measure, or finds the fund empty, is refused and listed', async () => {
    const fundId = await stage.fund(3_500);
    const measureId = stage.measure();
    const persons = people(5);
    const first = await stage.approved(rowsFor(persons.slice(0, 1), 500), { fundId, measureId });
    await stage.granted(first, 1);
    const second = await stage.approved(rowsFor(persons), { fundId, measureId });
    expect((await stage.act(second, 'stages/1/start', 'anna')).body).toMatchObject({
      code: 'point_ledger.list_fund_short',
      neededPoints: 5_000,
      undrawnPoints: 3_000,
    });
    const token = await stage.as('anna');
    const headers = { 'idempotency-key': someId() };
    const raises = `/point-ledger/v1/funds/${fundId}/raises`;
    await stage.call('POST', raises, { token, headers, body: { amountPoints: 2_000 } });
    const list = await stage.granted(second, 1);
    expect(list.counts).toMatchObject({ grantedPersons: 4, refusedPersons: 1 });
    expect(await stage.text(second, 'refusals')).toBe(
      `personId,reasonCode,curable,attempt\r\n${persons[0]},already_granted,false,1\r\n`,
    );
  });

  it('gives those whom the fund could not pay another attempt, and nobody else', async () => {
    const fundId = await stage.fund(3_000);
    const persons = people(3);
    const listId = await stage.approved(rowsFor(persons), { fundId });
    // Started, and before its first row somebody else draws from the fund.
    const events = [
      toNewEvent({ type: 'ListStageStarted', data: { listId, by: 'staff:anna', stage: 1, attempt: 1 } }, stamp()),
    ];
    const revision =
      (await stage.log.readStreams([listStream(listId)])).get(listStream(listId))?.at(-1)?.revision ?? -1;
    await stage.log.append([{ writes: [{ stream: listStream(listId), expectedRevision: revision, events }] }]);
    await stage.claims(claim({ fundId, amountPoints: 1_000 }));
    const list = await stage.granted(listId, 1);
    expect(list.counts).toMatchObject({ grantedPersons: 2, refusedPersons: 1 });
    expect(await stage.text(listId, 'refusals')).toContain(',fund_exhausted,true,1');
    const token = await stage.as('anna');
    const headers = { 'idempotency-key': someId() };
    await stage.call('POST', `/point-ledger/v1/funds/${fundId}/raises`, {
      token,
      headers,
      body: { amountPoints: 1_000 },
    });
    const again = await stage.granted(listId, 1);
    expect(again).toMatchObject({
      state: 'granted',
      counts: { grantedPersons: 3, grantedPoints: 3_000, refusedPersons: 0 },
    });
    for (const personId of persons) expect((await pointsOf(personId)).lots).toHaveLength(1);
  });
});

describe('who may do what', () => {
  it('takes a second person: neither who brought the list nor who proposed its release approves it', async () => {
    const fundId = await stage.fund(10_000);
    const listId = await stage.register(stage.measure());
    await stage.send(listId, listCsv(rowsFor(people(2))), { by: 'carla' });
    await stage.act(listId, 'comparisons', 'anna', { fundId });
    await stage.act(listId, 'release', 'dora', { fundId });
    for (const name of ['anna', 'carla', 'dora']) {
      expect(await stage.act(listId, 'release/approve', name)).toMatchObject({
        status: 403,
        body: { code: 'point_ledger.second_person_required' },
      });
    }
    expect((await stage.act(listId, 'stages/1/start', 'anna')).status).toBe(409);
    expect(await stage.act(listId, 'release/approve', 'ben')).toMatchObject({
      status: 200,
      body: { state: 'approved' },
    });
    expect((await stage.act(listId, 'release/approve', 'ben')).status).toBe(200);
    expect((await stage.act(listId, 'release', 'anna', { fundId })).status).toBe(409);
  });

  it('is nothing to other owners and other roles', async () => {
    const listId = await stage.register(stage.measure());
    const foreign = await stage.as('anna', { ownerId: 'shibuya' });
    const paths: [string, string][] = [
      ['GET', ''],
      ['GET', '/report'],
      ['GET', '/matches'],
      ['GET', '/refusals'],
      ['POST', '/pause'],
      ['POST', '/resume'],
      ['POST', '/discard'],
      ['POST', '/release/approve'],
      ['POST', '/recall/approve'],
      ['POST', '/stages/1/start'],
    ];
    const auditor = await stage.as('otto', { role: 'auditor' });
    for (const [method, path] of paths) {
      const url = `/point-ledger/v1/lists/${listId}${path}`;
      expect((await stage.call(method, url, { token: foreign })).status).toBe(404);
      expect((await stage.call(method, url, { token: auditor })).status).toBe(method === 'GET' ? 200 : 403);
    }
    const headers = { 'content-type': 'text/csv' };
    const rows = `/point-ledger/v1/lists/${listId}/rows`;
    expect((await stage.call('PUT', rows, { token: foreign, rawBody: 'x', headers })).status).toBe(404);
    expect((await stage.call('PUT', rows, { token: auditor, rawBody: 'x', headers })).status).toBe(403);
    expect((await stage.call('GET', '/point-ledger/v1/lists', { token: foreign })).body.lists).toEqual([]);
  });

  it('refuses another owner`s measure and fund', async () => {
    const token = await stage.as('anna');
    const register = (measureId: string) =>
      stage.call('POST', '/point-ledger/v1/lists', {
        token,
        body: { name: 'x', campaignId: stage.campaignId, measureId },
        headers: { 'idempotency-key': someId() },
      });
    for (const measureId of [stage.measure('shibuya'), someId()]) {
      expect(await register(measureId)).toMatchObject({
        status: 422,
        body: { code: 'point_ledger.list_measure_unknown' },
      });
    }
    const listId = await stage.register(stage.measure());
    await stage.send(listId, listCsv(rowsFor(people(1))));
    const dry = await stage.fund(1_000, { dryRun: true });
    expect((await stage.act(listId, 'comparisons', 'anna', { fundId: someId() })).body.code).toBe(
      'point_ledger.list_fund_mismatch',
    );
    const mine = await stage.fund(1_000);
    expect((await stage.act(listId, 'release', 'anna', { fundId: mine })).body.code).toBe(
      'point_ledger.list_not_compared',
    );
    await stage.act(listId, 'comparisons', 'anna', { fundId: dry });
    expect((await stage.act(listId, 'release', 'anna', { fundId: dry })).body.code).toBe(
      'point_ledger.list_fund_mismatch',
    );
  });

  it('is registered once for one key, and listed page by page', async () => {
    const token = await stage.as('anna');
    const body = { name: 'once', campaignId: stage.campaignId, measureId: stage.measure() };
    const options = { token, body, headers: { 'idempotency-key': someId() } };
    const first = await stage.call('POST', '/point-ledger/v1/lists', options);
    expect(first).toMatchObject({
      status: 201,
      body: { state: 'registered', name: 'once', registeredBy: 'staff:anna' },
    });
    expect((await stage.call('POST', '/point-ledger/v1/lists', options)).body).toEqual(first.body);
    await stage.register(stage.measure());
    const page = await stage.call('GET', '/point-ledger/v1/lists?limit=1', { token });
    expect(page.body.lists).toHaveLength(1);
    const next = await stage.call('GET', `/point-ledger/v1/lists?limit=1&cursor=${page.body.nextCursor}`, { token });
    expect(next.body.lists[0].listId).toBe(first.body.listId);
  });
});

describe('pause and discard', () => {
  it('pauses, refuses new stages, and goes on where it stopped', async () => {
    const fundId = await stage.fund(10_000);
    const listId = await stage.approved(rowsFor(people(4)), { fundId, stagePercents: [50] });
    await stage.granted(listId, 1);
    expect(await stage.act(listId, 'pause', 'ben')).toMatchObject({ status: 200, body: { paused: true } });
    expect((await stage.act(listId, 'stages/2/start', 'anna')).status).toBe(409);
    expect((await stage.act(listId, 'resume', 'anna')).body.paused).toBe(false);
    expect((await stage.granted(listId, 2)).counts.grantedPersons).toBe(4);
    expect((await stage.act(listId, 'discard', 'anna')).status).toBe(409);
  });

  it('frees the content of a list that is put away before anything of it was granted', async () => {
    const measureId = stage.measure();
    const rows = rowsFor(people(2));
    const first = await stage.register(measureId);
    await stage.send(first, listCsv(rows));
    expect(await stage.act(first, 'discard', 'anna')).toMatchObject({ status: 200, body: { state: 'discarded' } });
    expect((await stage.act(first, 'discard', 'anna')).status).toBe(200);
    const second = await stage.register(measureId);
    expect(await stage.send(second, listCsv(rows))).toMatchObject({ status: 200, body: { state: 'validated' } });
    expect((await stage.send(first, listCsv(rows))).status).toBe(200);
    expect((await stage.list(first)).state).toBe('discarded');
  });
});
