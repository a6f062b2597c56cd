import { topics } from '@tsunagu/contracts';
import { message, type TestAnswer } from '@tsunagu/service-host/testing';
import { claim, someId, startTestLedger, type TestLedger } from '../test-ledger.js';

let ledger: TestLedger;
let operator: string;
beforeAll(async () => {
  ledger = await startTestLedger();
  operator = await ledger.token({ role: 'operator', ownerId: 'demo' });
});
afterAll(() => ledger.close());

const v1 = '/point-ledger/v1';
const get = (path: string, token = operator): Promise<TestAnswer> => ledger.call('GET', `${v1}/${path}`, { token });
const post = (path: string, body: unknown, key = someId(), token = operator): Promise<TestAnswer> =>
  ledger.call('POST', `${v1}/${path}`, { token, body, headers: { 'idempotency-key': key } });
const newFund = { name: '生活応援', amountPoints: 5_000, fiscalYear: 2026 };

describe('funds', () => {
  it('are committed, read, listed and raised by their owner alone', async () => {
    const made = await post('funds', { ...newFund, budgetCode: 'A-1' });
    expect(made).toMatchObject({
      status: 201,
      body: {
        name: newFund.name,
        fiscalYear: 2026,
        budgetCode: 'A-1',
        ownerId: 'demo',
        dryRun: false,
        committedPoints: 5_000,
        undrawnPoints: 5_000,
      },
    });
    const { fundId } = made.body;
    expect((await get(`funds/${fundId}`)).body).toEqual(made.body);
    const raised = await post(`funds/${fundId}/raises`, { amountPoints: 1 });
    expect(raised).toMatchObject({ status: 201, body: { fundId, committedPoints: 5_001 } });
    expect((await get('funds')).body.funds[0]).toEqual(raised.body);

    const other = await ledger.token({ role: 'operator', ownerId: 'other' });
    expect((await get('funds', other)).body.funds).toEqual([]);
    expect((await get(`funds/${fundId}`, other)).status).toBe(404);
    expect((await post(`funds/${fundId}/raises`, { amountPoints: 1 }, someId(), other)).status).toBe(404);
    const citizen = await ledger.token({ role: 'citizen', subject: someId() });
    expect((await get('funds', citizen)).body.code).toBe('auth.role_required');
  });

  it('are the same for the same key, even when the stored answer is gone', async () => {
    const key = someId();
    const first = await post('funds', newFund, key);
    expect((await post('funds', newFund, key)).body).toEqual(first.body);
    await ledger.pool.query('delete from idempotency');
    expect((await post('funds', newFund, key)).body.fundId).toBe(first.body.fundId);
    const raise = someId();
    await post(`funds/${first.body.fundId}/raises`, { amountPoints: 7 }, raise);
    await ledger.pool.query('delete from idempotency');
    const again = await post(`funds/${first.body.fundId}/raises`, { amountPoints: 7 }, raise);
    expect(again.body.committedPoints).toBe(5_007);
  });

  it('refuse what is no fund', async () => {
    const wrong = [
      { ...newFund, amountPoints: 0 },
      { ...newFund, amountPoints: 1.5 },
      { ...newFund, amountPoints: '5000' },
      { ...newFund, amountPoints: Number.MAX_SAFE_INTEGER },
      { ...newFund, name: 'a\u0000b' },
      { ...newFund, name: ' ' },
      { ...newFund, name: 'x'.repeat(201) },
      { ...newFund, name: '\ud800' },
      { ...newFund, fiscalYear: 20260 },
      { ...newFund, ownerId: 'other' },
      { ...newFund, dryRun: 'yes' },
      [newFund],
      null,
    ];
    for (const body of wrong) expect((await post('funds', body)).body.code).toBe('request.invalid');
    expect((await ledger.call('POST', `${v1}/funds`, { token: operator, body: newFund })).body.code).toBe(
      'request.idempotency_key_required',
    );
    const { fundId } = (await post('funds', { ...newFund, amountPoints: 1_000_000_000_000_000 })).body;
    expect(await post(`funds/${fundId}/raises`, { amountPoints: 1 })).toMatchObject({
      status: 422,
      body: { code: 'point_ledger.commitment_too_large' },
    });
  });

  it('answer 404 for ids that name nothing', async () => {
    for (const id of [
      'x',
      someId(),
      '%00',
      '..%2f',
      "'or 1=1",
      'A'.repeat(90),
      '019AB3F0-6C00-7000-8000-0000000000F1',
    ]) {
      expect((await get(`funds/${encodeURIComponent(id)}`)).status).toBe(404);
    }
  });

  it('list page by page', async () => {
    const owner = await ledger.token({ role: 'operator', ownerId: 'pages' });
    for (let i = 0; i < 3; i += 1) await post('funds', { ...newFund, name: `fund ${i}` }, someId(), owner);
    const first = (await get('funds?limit=2', owner)).body;
    const rest = (await get(`funds?limit=2&cursor=${first.nextCursor}`, owner)).body;
    const names = [...first.funds, ...rest.funds].map((fund: { name: string }) => fund.name);
    expect(names).toEqual(['fund 2', 'fund 1', 'fund 0']);
    expect(rest.nextCursor).toBeUndefined();
    for (const query of [
      'limit=0',
      'limit=201',
      'limit=x',
      'cursor=!!',
      'cursor=MQ.Mg',
      'unknown=1',
      'limit=1&limit=2',
    ]) {
      expect((await get(`funds?${query}`)).body.code).toBe('request.invalid');
    }
  });
});

describe('an account', () => {
  it('without events is 200 with zeros', async () => {
    const personId = someId();
    const answer = await ledger.account(personId);
    expect(answer).toMatchObject({
      status: 200,
      body: { accountId: personId, availablePoints: 0, exchangeablePoints: 0, heldPoints: 0, lots: [], upToDate: true },
    });
  });

  it('shows lots and entries, newest first', async () => {
    const personId = someId();
    const token = await ledger.token({ role: 'citizen', subject: personId });
    const [fundId, dryRun] = [await ledger.fund(10_000), await ledger.fund(10_000, { dryRun: true })];
    const grant = claim({ fundId, personId, pointsExpireAfterMonths: 6 });
    await ledger.claims(
      grant,
      claim({ fundId: dryRun, personId, dryRun: true, measureId: someId(), amountPoints: 70 }),
    );
    const exchange = { exchangeId: someId(), personId, providerId: 'sim-pay', points: 400 };
    await ledger.deliver(topics.exchange, [
      message('ExchangeRequested', { ...exchange, linkId: someId(), payingOwnerIds: ['demo'] }),
      message('ExchangeConfirmed', exchange),
    ]);

    const account = await ledger.call('GET', `${v1}/accounts/me`, { token });
    expect(account.headers.get('cache-control')).toBe('no-store');
    expect(account.body).toMatchObject({ availablePoints: 600, heldPoints: 0 });
    expect(account.body.lots).toMatchObject([
      { fundId, remainingPoints: 600, uses: ['exchange'], dryRun: false, expiresAt: '2027-05-20T15:00:00.000Z' },
      { fundId: dryRun, remainingPoints: 70, uses: [], dryRun: true, blockedReason: 'dry_run', expiresAt: null },
    ]);

    const { body } = await ledger.call('GET', `${v1}/accounts/me/entries`, { token });
    expect(body.entries).toMatchObject([
      { kind: 'capture', points: 0, heldPoints: -400, exchangeId: exchange.exchangeId },
      { kind: 'hold', points: -400, heldPoints: 400, exchangeId: exchange.exchangeId },
      { kind: 'grant', points: 0, heldPoints: 0, dryRun: true, dryRunPoints: 70 },
      { kind: 'grant', points: 1_000, heldPoints: 0, claimId: grant.data.claimId, lotId: account.body.lots[0].lotId },
    ]);
    const sum = body.entries.reduce((total: number, entry: { points: number }) => total + entry.points, 0);
    expect(sum).toBe(account.body.availablePoints);

    const pages: string[] = [];
    for (let cursor = ''; cursor !== undefined; ) {
      const page = await ledger.call('GET', `${v1}/accounts/me/entries?limit=1${cursor && `&cursor=${cursor}`}`, {
        token,
      });
      pages.push(...page.body.entries.map((entry: { entryId: string }) => entry.entryId));
      cursor = page.body.nextCursor;
    }
    expect(pages).toEqual(body.entries.map((entry: { entryId: string }) => entry.entryId));
  });
});

describe('the trial balance', () => {
  it('balances, by owner, effective and recorded time, with dry-run accounts apart', async () => {
    const finance = await ledger.token({ role: 'finance', ownerId: 'city' });
    const city = await ledger.token({ role: 'operator', ownerId: 'city' });
    const fundOf = async (more = {}) => (await post('funds', { ...newFund, ...more }, someId(), city)).body.fundId;
    const [fundId, dryRun] = [await fundOf(), await fundOf({ dryRun: true })];
    const before = new Date(ledger.clock.now()).toISOString();
    ledger.clock.forward(60_000);
    const personId = someId();
    await ledger.claims(claim({ fundId, personId }), claim({ fundId: dryRun, dryRun: true }));
    const exchange = { exchangeId: someId(), personId, providerId: 'sim-pay', points: 300 };
    await ledger.deliver(topics.exchange, [
      message('ExchangeRequested', { ...exchange, linkId: someId(), payingOwnerIds: ['city'] }),
      message('ExchangeConfirmed', exchange),
    ]);

    const now = await get('trial-balance', finance);
    expect(now.body.rows.filter((row: { account: string }) => row.account.includes(fundId))).toEqual([
      { account: `fund:${fundId}:available`, debitPoints: 300, creditPoints: 1_000 },
      { account: `fund:${fundId}:committed`, debitPoints: 5_000, creditPoints: 0 },
      { account: `fund:${fundId}:held`, debitPoints: 300, creditPoints: 300 },
      { account: `fund:${fundId}:undrawn`, debitPoints: 1_000, creditPoints: 5_000 },
      { account: `provider:sim-pay:fund:${fundId}:exchanged`, debitPoints: 0, creditPoints: 300 },
    ]);
    expect(now.body.rows).toContainEqual({
      account: `dryRun:fund:${dryRun}:available`,
      debitPoints: 0,
      creditPoints: 1_000,
    });
    expect(now.body.totals.debitPoints).toBe(now.body.totals.creditPoints);

    for (const query of [`at=${before}`, `recordedAt=${before}`]) {
      const then = (await get(`trial-balance?${query}`, finance)).body;
      expect(then.totals).toEqual({ debitPoints: 10_000, creditPoints: 10_000 });
    }
    expect((await get('trial-balance?at=2026-11-20T10:00:00+09:00', finance)).status).toBe(200);
    const auditor = await ledger.token({ role: 'auditor', ownerId: 'nobody' });
    expect((await get('trial-balance', auditor)).body).toMatchObject({ rows: [], totals: { debitPoints: 0 } });
    for (const at of [
      'yesterday',
      '2026-11-20',
      '2026-11-20T10:00:00',
      '0001-01-01T00:00:00Z',
      '2026-13-01T00:00:00Z',
    ]) {
      expect((await get(`trial-balance?at=${at}`, finance)).body.code).toBe('request.invalid');
    }
  });
});

describe('questions of other services', () => {
  const ask = async (path: string, subject = 'campaign') => {
    const token = await ledger.token({ role: 'service', subject });
    return ledger.call('GET', `/point-ledger/internal/v1/${path}`, { token });
  };

  it('are answered from the streams', async () => {
    const fundId = await ledger.fund(1_500);
    const [granted, refused] = [claim({ fundId }), claim({ fundId })];
    await ledger.claims(granted, refused);
    expect((await ask(`funds/${fundId}`)).body).toEqual({ fundId, ownerId: 'demo', dryRun: false, undrawnPoints: 500 });
    expect((await ask(`grants/${granted.data.personId}/${granted.data.claimId}`)).body).toMatchObject({
      state: 'granted',
      event: { type: 'PointsGranted', causationId: granted.id, data: { claimId: granted.data.claimId } },
    });
    expect((await ask(`grants/${refused.data.personId}/${refused.data.claimId}`)).body.state).toBe('refused');
    expect((await ask(`grants/${refused.data.personId}/${someId()}`)).body).toEqual({ state: 'unknown' });
    const exchangeId = someId();
    const { personId } = granted.data;
    const request = {
      exchangeId,
      personId,
      providerId: 'sim-pay',
      points: 100,
      linkId: someId(),
      payingOwnerIds: ['demo'],
    };
    await ledger.deliver(topics.exchange, [message('ExchangeRequested', request)]);
    expect((await ask(`holds/${personId}/${exchangeId}`)).body).toMatchObject({
      state: 'held',
      event: { type: 'PointsHeld' },
    });
    expect((await ask(`holds/${personId}/${someId()}`)).body).toEqual({ state: 'unknown' });
    expect((await ask('funds/nothing')).status).toBe(404);
    expect((await ledger.call('GET', `/point-ledger/internal/v1/funds/${fundId}`, { token: operator })).status).toBe(
      403,
    );
  });
});

it('the read models equal a fresh fold of the log', async () => {
  await ledger.waitForProjections();
  const { rows } = await ledger.pool.query<{ committed: string; drawn: string; granted: string; open: string }>(`
    select (select sum(committed_points) from funds) as committed,
           (select sum(drawn_points) from fund_draws) as drawn,
           (select sum(points) from postings where credit_account like '%:available' and debit_account like '%:undrawn') as granted,
           (select count(*) from open_holds) as open`);
  const events = await ledger.events();
  const total = (type: string, member: string) =>
    events
      .filter((event) => event.type === type)
      .reduce((sum, event) => sum + Number((event.data as Record<string, unknown>)[member]), 0);
  expect(Number(rows[0]?.committed)).toBe(total('FundCommitted', 'amountPoints'));
  expect(Number(rows[0]?.drawn)).toBe(total('FundDrawn', 'points'));
  expect(Number(rows[0]?.granted)).toBe(total('PointsGranted', 'amountPoints'));
  expect(Number(rows[0]?.open)).toBe(1);
});
