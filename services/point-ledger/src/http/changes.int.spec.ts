import { isoTime } from '@tsunagu/kernel';
import type { Role } from '@tsunagu/service-host';
import { accountStream } from '../domain/account.js';
import { granted } from '../domain/builders.js';
import { claim, someId, startTestLedger, type TestLedger } from '../test-ledger.js';
import { ledgerEvent } from '../workflows/recording.js';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger.close());

const about = { reasonPattern: 'not_eligible', evidence: 'CASE-1' };

async function grant(more: Partial<Parameters<typeof claim>[0]> = {}) {
  const fundId = await ledger.fund(10_000);
  const given = claim({ fundId, measureId: someId(), ...more });
  await ledger.claims(given);
  const { personId } = given.data;
  const lotId = (await ledger.account(personId)).body.lots[0]?.lotId ?? '';
  return { fundId, personId, lotId, accountId: personId };
}

async function as(role: Role, method: string, path: string, body?: unknown, ownerId = 'demo', subject = 'someone') {
  const isStaff = role !== 'citizen' && role !== 'service';
  const outside = { role, subject: role === 'citizen' ? someId() : 'campaign' };
  const token = await ledger.token(isStaff ? { role, subject, ownerId } : outside);
  const headers = { 'idempotency-key': someId() };
  return ledger.call(method, `/point-ledger/v1/${path}`, { token, headers, ...(body === undefined ? {} : { body }) });
}

const extension = {
  campaignId: someId(),
  expiresFrom: '2026-12-01T00:00:00+09:00',
  expiresBefore: '2027-01-02T00:00:00+09:00',
  newExpiresAt: '2027-07-01T00:00:00+09:00',
  reasonPattern: 'disaster_relief',
  evidence: 'ORDER-3',
};

describe('a proposal', () => {
  it('is the same for the same key, also when the stored answer is gone or it is carried out', async () => {
    const { accountId, lotId } = await grant();
    const key = someId();
    const body = { accountId, lotId, ...about };
    const first = await ledger.staff('alice', 'POST', 'reversals', body, key);
    expect(first).toMatchObject({ status: 201, body: { state: 'proposed', change: { ...body, kind: 'reversal' } } });
    await ledger.pool.query('delete from idempotency');
    expect((await ledger.staff('alice', 'POST', 'reversals', body, key)).body).toEqual(first.body);
    await ledger.staff('bob', 'POST', `proposals/${first.body.proposalId}/approve`);
    await ledger.pool.query('delete from idempotency');
    expect((await ledger.staff('alice', 'POST', 'reversals', body, key)).body).toMatchObject({ state: 'completed' });
    const other = { ...body, evidence: 'CASE-2' };
    await ledger.staff('alice', 'POST', 'extensions', extension, key);
    expect((await ledger.staff('alice', 'POST', 'extensions', other, key)).body.code).toBe(
      'request.idempotency_key_reused',
    );
    const token = await ledger.token({ role: 'operator', ownerId: 'demo' });
    expect((await ledger.call('POST', '/point-ledger/v1/reversals', { token, body })).body.code).toBe(
      'request.idempotency_key_required',
    );
  });

  it('is rejected by anybody, and ended then', async () => {
    const { proposalId } = (await ledger.staff('alice', 'POST', 'extensions', extension)).body;
    expect((await ledger.staff('alice', 'POST', `proposals/${proposalId}/reject`)).body).toMatchObject({
      state: 'rejected',
      decidedBy: 'staff:alice',
    });
    expect((await ledger.staff('alice', 'POST', `proposals/${proposalId}/reject`)).status).toBe(200);
    expect(await ledger.staff('bob', 'POST', `proposals/${proposalId}/approve`)).toMatchObject({
      status: 409,
      body: { code: 'point_ledger.proposal_ended' },
    });
  });

  it('is listed by its state, newest first, page by page', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1)
      ids.unshift((await as('operator', 'POST', 'extensions', extension, 'pages')).body.proposalId);
    const first = (await as('auditor', 'GET', 'proposals?state=proposed&limit=2', undefined, 'pages')).body;
    const rest = (await as('finance', 'GET', `proposals?limit=2&cursor=${first.nextCursor}`, undefined, 'pages')).body;
    const listed = [...first.proposals, ...rest.proposals].map((each: { proposalId: string }) => each.proposalId);
    expect(listed).toEqual(ids);
    const one = await as('auditor', 'GET', `proposals/${ids[0]}`, undefined, 'pages');
    expect(first.proposals[0]).toEqual(one.body);
    expect((await as('operator', 'GET', 'proposals?state=completed', undefined, 'pages')).body.proposals).toEqual([]);
    for (const query of ['state=done', 'limit=0', 'cursor=!!', 'unknown=1'])
      expect((await as('operator', 'GET', `proposals?${query}`)).status).toBe(400);
  });

  it('belongs to its owner: another sees nothing, changes nothing', async () => {
    const { accountId, lotId, fundId } = await grant();
    const { proposalId } = (await ledger.staff('alice', 'POST', 'reversals', { accountId, lotId, ...about })).body;
    const city = (method: string, path: string, body?: unknown) => as('operator', method, path, body, 'city');
    expect((await city('GET', `proposals/${proposalId}`)).status).toBe(404);
    expect((await city('POST', `proposals/${proposalId}/approve`)).status).toBe(404);
    expect((await city('POST', `proposals/${proposalId}/reject`)).status).toBe(404);
    expect((await city('POST', 'reversals', { accountId, lotId, ...about })).status).toBe(404);
    expect((await city('POST', `funds/${fundId}/lowerings`, { reason: 'returned' })).status).toBe(404);
    const writeOff = { accountId, receivableId: someId(), reasonPattern: 'hardship', evidence: 'X' };
    expect((await city('POST', 'write-offs', writeOff)).status).toBe(404);
  });

  it('needs the right role', async () => {
    const calls = [
      ['reversals', ['operator']],
      ['write-offs', ['operator', 'finance']],
      ['extensions', ['operator']],
      [`funds/${someId()}/lowerings`, ['operator']],
      [`proposals/${someId()}/approve`, ['operator', 'finance']],
    ] as const;
    for (const [path, allowed] of calls) {
      for (const role of [
        'citizen',
        'support',
        'kiosk',
        'partner',
        'auditor',
        'finance',
        'operator',
        'service',
      ] as const) {
        const { status, body } = await as(role, 'POST', path, {});
        const mayCall = (allowed as readonly string[]).includes(role);
        if (mayCall) expect([400, 404]).toContain(status);
        else expect([status, body.code]).toEqual([403, 'auth.role_required']);
      }
    }
  });

  it.each<[string, object]>([
    ['reversals', { lotId: 'x' }],
    ['reversals', { accountId: "'; drop table lots" }],
    ['reversals', { reasonPattern: 'because' }],
    ['reversals', { reasonPattern: ['fraud'] }],
    ['reversals', { evidence: '' }],
    ['reversals', { evidence: '123456789012' }],
    ['reversals', { evidence: '山田太郎' }],
    ['reversals', { evidence: 'x'.repeat(101) }],
    ['reversals', { points: 1 }],
    ['extensions', { campaignId: null }],
    ['extensions', { expiresFrom: 'soon' }],
    ['extensions', { expiresBefore: '2026-12-01T00:00:00+09:00' }],
    ['extensions', { newExpiresAt: '2027-01-01T00:00:00+09:00' }],
    ['extensions', { newExpiresAt: '2027-07-01' }],
    ['extensions', { fundId: 7 }],
    ['write-offs', { reasonPattern: 'fraud' }],
  ])('to %s with %j is no request', async (path, wrong) => {
    const ids = { accountId: someId(), lotId: someId(), receivableId: someId() };
    const bodies: Record<string, object> = {
      reversals: { accountId: ids.accountId, lotId: ids.lotId, ...about },
      'write-offs': {
        accountId: ids.accountId,
        receivableId: ids.receivableId,
        reasonPattern: 'hardship',
        evidence: 'X',
      },
      extensions: extension,
    };
    expect(await ledger.staff('alice', 'POST', path, { ...bodies[path], ...wrong })).toMatchObject({
      status: 400,
      body: { code: 'request.invalid' },
    });
  });

  it('about what is not there is not found', async () => {
    expect(
      (await ledger.staff('alice', 'POST', 'reversals', { accountId: someId(), lotId: someId(), ...about })).status,
    ).toBe(404);
    for (const id of ['x', someId(), '%00', '..%2f'])
      expect((await ledger.staff('alice', 'GET', `proposals/${encodeURIComponent(id)}`)).status).toBe(404);
  });
});

describe('lowering a fund', () => {
  it.each([
    [{ reason: 'lowered', amountPoints: 0 }, 400],
    [{ reason: 'lowered', amountPoints: 1.5 }, 400],
    [{ reason: 'because' }, 400],
    [{ reason: 'lowered', toFundId: '019ab3f0-6c00-7000-8000-0000000000f2' }, 400],
    [{ reason: 'carried_over' }, 400],
    [{ reason: 'carried_over', toFundId: 'x' }, 400],
    [{ reason: 'lowered', amountPoints: 1_001 }, 409],
  ])('with %j is %i', async (body, status) => {
    const fundId = await ledger.fund(1_000);
    expect((await ledger.staff('alice', 'POST', `funds/${fundId}/lowerings`, body)).status).toBe(status);
  });

  it('returns all that is left, and nothing twice', async () => {
    const fundId = await ledger.fund(1_000);
    const key = someId();
    const give = () => ledger.staff('alice', 'POST', `funds/${fundId}/lowerings`, { reason: 'returned' }, key);
    expect((await give()).body).toMatchObject({ outcome: { points: 1_000 }, change: { reason: 'returned' } });
    await ledger.pool.query('delete from idempotency');
    expect((await give()).body).toMatchObject({ state: 'completed', outcome: { points: 1_000 } });
    expect(await ledger.staff('alice', 'POST', `funds/${fundId}/lowerings`, { reason: 'returned' })).toMatchObject({
      status: 409,
      body: { code: 'point_ledger.fund_not_enough_left' },
    });
  });

  it('waits for a second person where approvals are on', async () => {
    const strict = await startTestLedger({ env: { LEDGER_SWEEP_SECONDS: '3600', TSUNAGU_APPROVALS: 'on' } });
    try {
      const fundId = await strict.fund(1_000);
      const proposed = await strict.staff('alice', 'POST', `funds/${fundId}/lowerings`, { reason: 'returned' });
      expect(proposed).toMatchObject({ status: 201, body: { state: 'proposed' } });
      const path = `proposals/${proposed.body.proposalId}/approve`;
      expect((await strict.staff('alice', 'POST', path)).status).toBe(403);
      expect((await strict.staff('alice', 'GET', `funds/${fundId}`)).body.committedPoints).toBe(1_000);
      expect((await strict.staff('bob', 'POST', path)).body).toMatchObject({ state: 'completed' });
      expect((await strict.staff('alice', 'GET', `funds/${fundId}`)).body.committedPoints).toBe(0);
    } finally {
      await strict.close();
    }
  });
});

describe('holds that wait', () => {
  it('are listed by age, page by page, for the owner of their lots', async () => {
    const people = [await grant(), await grant(), await grant()];
    const exchanges: string[] = [];
    for (const { personId } of people) {
      exchanges.push(await ledger.exchange(personId, 100));
      ledger.clock.forward(300_000);
    }
    const list = async (query: string, ownerId = 'demo') =>
      (await as('operator', 'GET', `holds?state=open&${query}`, undefined, ownerId)).body;
    const first = await list('limit=2');
    const rest = await list(`limit=2&cursor=${first.nextCursor}`);
    expect([...first.holds, ...rest.holds].map((hold: { exchangeId: string }) => hold.exchangeId)).toEqual(exchanges);
    expect(rest.nextCursor).toBeUndefined();
    expect(first.holds[0]).toMatchObject({ points: 100, providerId: 'sim-pay', pastDeadline: true });
    expect(first.holds[0].ageSeconds).toBeGreaterThanOrEqual(900);
    expect((await list('olderThan=600')).holds).toHaveLength(2);
    expect((await list('limit=2', 'city')).holds).toEqual([]);
    await ledger.endExchange(exchanges[0] ?? '', people[0]?.personId ?? '', { credited: 40 });
    expect((await list('olderThan=0')).holds).toHaveLength(2);
    for (const query of [
      'state=all',
      'state=open&olderThan=-1',
      'state=open&cursor=Lg',
      'limit=1',
      'state=open&olderThan=x',
    ])
      expect((await as('operator', 'GET', `holds?${query}`)).status).toBe(400);
    expect((await as('citizen', 'GET', 'holds?state=open')).status).toBe(403);
  });
});

describe('lots that end soon', () => {
  it('are listed for the owner and its partners, the soonest first, while anything is left', async () => {
    const soon = await grant({ pointsExpireAt: '2026-12-30T15:00:00.000Z' });
    const sooner = await grant({ pointsExpireAt: '2026-12-20T15:00:00.000Z' });
    const spent = await grant({ pointsExpireAt: '2026-12-20T15:00:00.000Z' });
    await grant({ pointsExpireAt: '2027-12-30T15:00:00.000Z' });
    await ledger.exchange(spent.personId, 1_000, { credited: 1_000 });
    const list = async (query: string, role: Role = 'partner', ownerId = 'demo') =>
      (
        await as(
          role,
          'GET',
          `expiring-lots?before=${encodeURIComponent('2027-01-01T00:00:00+09:00')}${query}`,
          undefined,
          ownerId,
        )
      ).body;
    const first = await list('&limit=1');
    const rest = await list(`&limit=1&cursor=${first.nextCursor}`, 'operator');
    expect([...first.lots, ...rest.lots]).toMatchObject([
      { lotId: sooner.lotId, accountId: sooner.personId, remainingPoints: 1_000, heldPoints: 0 },
      { lotId: soon.lotId, expiresAt: '2026-12-30T15:00:00.000Z' },
    ]);
    expect(rest.nextCursor).toBeUndefined();
    expect((await list('', 'partner', 'city')).lots).toEqual([]);
    for (const query of ['', 'before=2027-01-01', 'before=soon', 'before=2027-01-01T00:00:00Z&cursor=!!'])
      expect((await as('operator', 'GET', `expiring-lots?${query}`)).status).toBe(400);
    expect((await as('support', 'GET', 'expiring-lots?before=2027-01-01T00:00:00Z')).status).toBe(403);
  });
});

it('an embargoed lot is seen, counts as available, and is not exchangeable before its time', async () => {
  const personId = someId();
  const usableFrom = isoTime(ledger.clock.now() + 3_600_000);
  const ids = {
    personId,
    claimId: someId(),
    campaignId: someId(),
    measureId: someId(),
    lotId: someId(),
    fundId: someId(),
  };
  const event = granted({ ...ids, usableFrom, batchId: someId() });
  const meta = { id: someId(), cause: { id: null, correlationId: someId() }, effectiveAt: usableFrom, ownerId: 'demo' };
  const write = {
    stream: accountStream(personId),
    expectedRevision: 'noStream' as const,
    events: [ledgerEvent(event, meta)],
  };
  await ledger.log.append([{ writes: [write] }]);
  expect((await ledger.account(personId)).body).toMatchObject({
    availablePoints: 1_000,
    exchangeablePoints: 0,
    lots: [{ usableFrom, blockedReason: 'not_usable_yet', uses: [], remainingPoints: 1_000 }],
  });
  await ledger.exchange(personId, 400);
  expect((await ledger.eventsOf('HoldRefused')).at(-1)?.data).toMatchObject({ reasonCode: 'points_not_usable_yet' });
  ledger.clock.forward(3_600_001);
  await ledger.exchange(personId, 400);
  expect((await ledger.account(personId)).body).toMatchObject({ exchangeablePoints: 600, heldPoints: 400 });
});
