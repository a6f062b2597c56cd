import type { DataOf } from '@tsunagu/contracts';
import { newId } from '@tsunagu/kernel';
import { fundStream } from '../domain/fund.js';
import { claim, someId, startTestLedger, type TestLedger } from '../test-ledger.js';
import { ledgerEvent } from './recording.js';

const yearEnd = '2026-12-31T15:00:00.000Z';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger.close());
afterEach(async () => {
  expect(await ledger.violations()).toEqual([]);
});

async function grant(personId: string, more: Partial<Parameters<typeof claim>[0]> = {}) {
  const fundId = more.fundId ?? (await ledger.fund(1_000_000));
  const given = claim({ personId, measureId: someId(), ...more, fundId });
  await ledger.claims(given);
  const event = (await ledger.eventsOf('PointsGranted')).findLast(
    ({ data }) => (data as DataOf<'PointsGranted'>).claimId === given.data.claimId,
  );
  return event?.data as DataOf<'PointsGranted'>;
}

const about = { reasonPattern: 'granted_twice', evidence: 'CASE-2026/11-7' };

async function propose(path: string, body: object): Promise<string> {
  const answer = await ledger.staff('alice', 'POST', path, body);
  expect(answer).toMatchObject({ status: 201, body: { state: 'proposed', proposedBy: 'staff:alice' } });
  return answer.body.proposalId;
}
const approve = (proposalId: string, name = 'bob') => ledger.staff(name, 'POST', `proposals/${proposalId}/approve`);

async function reverse(personId: string, lotId: string) {
  const answer = await approve(await propose('reversals', { accountId: personId, lotId, ...about }));
  expect(answer).toMatchObject({ status: 200, body: { state: 'completed' } });
  return answer.body;
}

async function sweep() {
  await ledger.waitForProjections();
  const worker = await ledger.worker();
  await worker.changeSweeper.sweep();
  await worker.stop();
  return worker.alarms;
}

describe('a reversal', () => {
  it('takes what is left, records what was spent as owed, and a later grant of the owner repays by the rule', async () => {
    const personId = someId();
    const { lotId, fundId } = await grant(personId, { amountPoints: 3_000 });
    await ledger.exchange(personId, 1_000, { credited: 1_000 });
    expect(await reverse(personId, lotId)).toMatchObject({
      decidedBy: 'staff:bob',
      outcome: { lots: 1, points: 2_000, receivablePoints: 1_000 },
    });
    expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 0, owedPoints: 1_000, lots: [] });
    const [event] = (await ledger.eventsOf('GrantReversed')).slice(-1);
    expect(event).toMatchObject({ actor: 'staff:bob', data: { reasonPattern: 'granted_twice', batchId: null } });

    // Half of a grant, by default; another owner's grant pays nothing.
    const later = await grant(personId, { amountPoints: 1_501 });
    expect(await ledger.eventsOf('ReceivableRepaid')).toMatchObject([
      { data: { fundId, lotId, payingLotId: later.lotId, payingFundId: later.fundId, points: 750 } },
    ]);
    const body = { name: 'fund', amountPoints: 5_000, fiscalYear: 2026 };
    const city = await ledger.token({ role: 'operator', ownerId: 'city' });
    const headers = { 'idempotency-key': someId() };
    const other = await ledger.call('POST', '/point-ledger/v1/funds', { token: city, body, headers });
    await grant(personId, { fundId: other.body.fundId });
    expect(await ledger.eventsOf('ReceivableRepaid')).toHaveLength(1);
    await grant(personId, { amountPoints: 1_000 });
    expect((await ledger.account(personId)).body).toMatchObject({
      owedPoints: 0,
      receivables: [],
      availablePoints: 2_501,
    });
    await grant(personId, { amountPoints: 1_000 });
    expect(await ledger.eventsOf('ReceivableRepaid')).toHaveLength(2);
  });

  it('waits for held points: released they are taken, captured they are owed', async () => {
    const [one, two] = [someId(), someId()];
    const lots = [await grant(one), await grant(two)] as const;
    const exchanges = [await ledger.exchange(one, 600), await ledger.exchange(two, 600)] as const;
    await reverse(one, lots[0].lotId);
    await reverse(two, lots[1].lotId);
    expect((await ledger.account(one)).body).toMatchObject({ availablePoints: 0, heldPoints: 600, owedPoints: 0 });
    await ledger.endExchange(exchanges[0], one, 'rejected');
    await ledger.endExchange(exchanges[1], two, { credited: 450 });
    expect((await ledger.account(one)).body).toMatchObject({ availablePoints: 0, heldPoints: 0, owedPoints: 0 });
    // Credited in part: what was credited is owed, the rest is taken.
    expect((await ledger.account(two)).body).toMatchObject({ availablePoints: 0, heldPoints: 0, owedPoints: 450 });
  });

  it('is done once, and its measure stays granted (I1)', async () => {
    const personId = someId();
    const { lotId, measureId, fundId } = await grant(personId);
    const [first, second] = [
      await propose('reversals', { accountId: personId, lotId, ...about }),
      await propose('reversals', { accountId: personId, lotId, ...about }),
    ];
    expect((await approve(first)).body).toMatchObject({ state: 'completed', outcome: { points: 1_000 } });
    expect((await approve(first)).body).toMatchObject({ state: 'completed', outcome: { points: 1_000 } });
    expect(await approve(second)).toMatchObject({ status: 409, body: { code: 'point_ledger.already_reversed' } });
    const again = await ledger.staff('alice', 'POST', 'reversals', { accountId: personId, lotId, ...about });
    expect(again).toMatchObject({ status: 409, body: { code: 'point_ledger.already_reversed' } });
    await ledger.claims(claim({ personId, fundId, measureId }));
    expect((await ledger.eventsOf('GrantRefused')).at(-1)?.data).toMatchObject({ reasonCode: 'already_granted' });
  });

  it('that a crash cut off after the approval is finished by the sweeper, once', async () => {
    const personId = someId();
    const { lotId } = await grant(personId);
    const proposalId = await propose('reversals', { accountId: personId, lotId, ...about });
    // The approval as a process records it that dies before the next step.
    const meta = { id: someId(), cause: { id: null, correlationId: someId() }, effectiveAt: yearEnd, ownerId: 'demo' };
    const event = ledgerEvent({ type: 'ChangeApproved', data: { proposalId, by: 'staff:bob' } }, meta);
    const write = { stream: `proposal-${proposalId}`, expectedRevision: 0, events: [event] };
    expect(await ledger.log.append([{ writes: [write] }])).toMatchObject([{ outcome: 'appended' }]);
    await Promise.all([sweep(), sweep()]);
    expect((await ledger.staff('carol', 'GET', `proposals/${proposalId}`)).body).toMatchObject({
      state: 'completed',
      outcome: { lots: 1, points: 1_000 },
    });
    expect((await ledger.account(personId)).body).toMatchObject({ availablePoints: 0 });
  });
});

it('what is owed can be written off, by two persons, once', async () => {
  const personId = someId();
  const { lotId } = await grant(personId);
  await ledger.exchange(personId, 400, { credited: 400 });
  await reverse(personId, lotId);
  const { receivableId } = (await ledger.account(personId)).body.receivables[0] ?? { receivableId: '' };
  const body = { accountId: personId, receivableId, reasonPattern: 'hardship', evidence: 'CASE-8' };
  expect((await approve(await propose('write-offs', body))).body).toMatchObject({
    state: 'completed',
    outcome: { receivablePoints: 400 },
  });
  expect((await ledger.account(personId)).body).toMatchObject({ owedPoints: 0, receivables: [] });
  expect(await ledger.staff('alice', 'POST', 'write-offs', body)).toMatchObject({
    status: 409,
    body: { code: 'point_ledger.receivable_closed' },
  });
  const token = await ledger.token({ role: 'citizen', subject: personId });
  const entries = await ledger.call('GET', '/point-ledger/v1/accounts/me/entries', { token });
  expect(
    entries.body.entries.map(({ kind, points, receivablePoints }: Record<string, unknown>) => [
      kind,
      points,
      receivablePoints,
    ]),
  ).toEqual([
    ['receivable', 0, -400],
    ['receivable', 0, 400],
    ['reverse', -600, undefined],
    ['capture', 0, undefined],
    ['hold', -400, undefined],
    ['grant', 1_000, undefined],
  ]);
});

describe('an extension', () => {
  it('lets the lots of a campaign end later, those of a run of many, and no others', async () => {
    const [campaignId, fundId] = [someId(), await ledger.fund(10_000_000)];
    const inside = Array.from({ length: 1_050 }, () => claim({ fundId, campaignId, pointsExpireAt: yearEnd }));
    const outside = [
      claim({ fundId, pointsExpireAt: yearEnd }),
      claim({ fundId, campaignId, pointsExpireAt: '2027-02-01T00:00:00.000Z' }),
      claim({ fundId, campaignId }),
    ];
    await ledger.claims(...inside.slice(0, 600), ...outside);
    await ledger.claims(...inside.slice(600));
    const body = {
      campaignId,
      expiresFrom: '2026-12-01T00:00:00+09:00',
      expiresBefore: '2027-01-02T00:00:00+09:00',
      newExpiresAt: '2027-07-01T00:00:00+09:00',
      reasonPattern: 'disaster_relief',
      evidence: 'ORDER-3',
    };
    const proposalId = await propose('extensions', body);
    expect(await approve(proposalId, 'alice')).toMatchObject({
      status: 403,
      body: { code: 'point_ledger.second_person_required' },
    });
    expect((await approve(proposalId)).body).toMatchObject({ state: 'approved' });
    // A process that dies in the middle of the run; then two others at once.
    await ledger.waitForProjections();
    const dying = await ledger.worker();
    const perform = dying.acts.perform.bind(dying.acts);
    dying.acts.perform = async (acts) => {
      await perform(acts);
      throw new Error('killed');
    };
    await dying.changeSweeper.sweep();
    expect(dying.alarms.map(({ alarm }) => alarm)).toContain('change_not_carried_out');
    await dying.stop();
    expect((await ledger.staff('carol', 'GET', `proposals/${proposalId}`)).body).toMatchObject({
      state: 'approved',
      progress: { lots: 0 },
    });
    await Promise.all([sweep(), sweep()]);
    expect((await ledger.staff('carol', 'GET', `proposals/${proposalId}`)).body).toMatchObject({
      state: 'completed',
      outcome: { lots: 1_050 },
    });
    const extended = (await ledger.eventsOf('LotExtended')).map(({ data }) => data as DataOf<'LotExtended'>);
    expect(new Set(extended.map(({ lotId }) => lotId)).size).toBe(1_050);
    expect(extended).toHaveLength(1_050);
    const [person] = inside;
    expect((await ledger.account(person?.data.personId ?? '')).body.lots).toMatchObject([
      { expiresAt: '2027-06-30T15:00:00.000Z' },
    ]);
  });
});

describe('a fund', () => {
  const fundOf = async (fundId: string) => (await ledger.staff('alice', 'GET', `funds/${fundId}`)).body;

  it('is lowered, leases called back, never under what is drawn', async () => {
    const fundId = await ledger.fund(5_000);
    await grant(someId(), { fundId, amountPoints: 1_200 });
    const body = { amountPoints: 3_801, reason: 'lowered' };
    expect(await ledger.staff('alice', 'POST', `funds/${fundId}/lowerings`, body)).toMatchObject({
      status: 409,
      body: { code: 'point_ledger.fund_not_enough_left' },
    });
    const key = someId();
    const lowered = await ledger.staff(
      'alice',
      'POST',
      `funds/${fundId}/lowerings`,
      { ...body, amountPoints: 3_800 },
      key,
    );
    expect(lowered).toMatchObject({ status: 201, body: { state: 'completed', outcome: { points: 3_800 } } });
    expect(await fundOf(fundId)).toMatchObject({ committedPoints: 1_200, undrawnPoints: 0, drawnPoints: 1_200 });
    await ledger.pool.query('delete from idempotency');
    await ledger.staff('alice', 'POST', `funds/${fundId}/lowerings`, { ...body, amountPoints: 3_800 }, key);
    expect(await fundOf(fundId)).toMatchObject({ committedPoints: 1_200 });
    await grant(someId(), { fundId, amountPoints: 1 });
    expect((await ledger.eventsOf('GrantRefused')).at(-1)?.data).toMatchObject({ reasonCode: 'fund_exhausted' });
    const listed = (await ledger.staff('alice', 'GET', 'funds')).body.funds;
    expect(listed.find((fund: { fundId: string }) => fund.fundId === fundId)).toMatchObject({ committedPoints: 1_200 });
  });

  it('carries what is left over to a later year', async () => {
    const [from, to, same] = [
      await ledger.fund(5_000),
      await ledger.fund(100, { fiscalYear: 2027 }),
      await ledger.fund(100),
    ];
    await grant(someId(), { fundId: from, amountPoints: 500 });
    const carry = (toFundId: string | undefined) =>
      ledger.staff('alice', 'POST', `funds/${from}/lowerings`, { reason: 'carried_over', toFundId });
    expect(await carry(same)).toMatchObject({ status: 422, body: { code: 'point_ledger.carry_over_mismatch' } });
    expect(await carry(someId())).toMatchObject({ status: 422 });
    expect(await carry(undefined)).toMatchObject({ status: 400 });
    expect((await carry(to)).body).toMatchObject({ state: 'completed', outcome: { points: 4_500 } });
    expect(await fundOf(from)).toMatchObject({ committedPoints: 500, undrawnPoints: 0 });
    expect(await fundOf(to)).toMatchObject({ committedPoints: 4_600, undrawnPoints: 4_600 });
  });

  it('that a crash left without its second step is repaired, once', async () => {
    const [from, to] = [await ledger.fund(5_000), await ledger.fund(100, { fiscalYear: 2027 })];
    const data = { fundId: from, ownerId: 'demo', dryRun: false, points: 700, reason: 'carried_over', toFundId: to };
    const id = newId(ledger.clock.now());
    const meta = { id, cause: { id: null, correlationId: id }, effectiveAt: yearEnd, ownerId: 'demo' };
    const event = ledgerEvent({ type: 'FundLowered', data }, meta);
    await ledger.log.append([{ writes: [{ stream: fundStream(from), expectedRevision: 0, events: [event] }] }]);
    ledger.clock.forward(11_000);
    const alarms = await sweep();
    expect(alarms).toContainEqual(expect.objectContaining({ alarm: 'carry_over_overdue', fundId: from }));
    await Promise.all([sweep(), sweep()]);
    expect(await fundOf(to)).toMatchObject({ committedPoints: 800 });
  });
});
