import { topics } from '@tsunagu/contracts';
import { message, type TestAnswer } from '@tsunagu/service-host/testing';
import { claim, someId, startTestLedger, type TestLedger } from '../test-ledger.js';

/** Longer than the clock is moved. */
const ttlSeconds = 90 * 86_400;

let ledger: TestLedger;
let personId: string;
let citizen: string;
let exchangeId: string;
beforeAll(async () => {
  ledger = await startTestLedger();
  const ward = await ledger.token({ role: 'operator', ownerId: 'ward', ttlSeconds });
  const body = { name: 'ward', amountPoints: 5_000, fiscalYear: 2026 };
  const headers = { 'idempotency-key': someId() };
  const wardFund = (await ledger.call('POST', `${v1}/funds`, { token: ward, body, headers })).body.fundId;
  const [fundId, dryRun] = [await ledger.fund(5_000), await ledger.fund(5_000, { dryRun: true })];
  personId = someId();
  citizen = await ledger.token({ role: 'citizen', subject: personId, ttlSeconds });
  await ledger.claims(
    claim({ fundId, personId, pointsExpireAfterMonths: 1 }),
    claim({ fundId: wardFund, personId, measureId: someId(), amountPoints: 70 }),
    claim({ fundId: dryRun, personId, measureId: someId(), dryRun: true, amountPoints: 5 }),
  );
  ledger.clock.set('2026-11-21T03:00:00.000Z');
  exchangeId = someId();
  const exchange = { exchangeId, personId, providerId: 'sim-pay', points: 300 };
  await ledger.deliver(topics.exchange, [
    message('ExchangeRequested', { ...exchange, linkId: someId(), payingOwnerIds: ['demo'] }),
    message('ExchangeConfirmed', exchange),
  ]);
  ledger.clock.set('2026-12-25T03:00:00.000Z');
});
afterAll(() => ledger.close());

const v1 = '/point-ledger/v1';
const get = (path: string, token = citizen, accept = 'application/json'): Promise<TestAnswer> =>
  ledger.call('GET', `${v1}/accounts/${path}`, { token, headers: { accept } });
const staff = (role: 'support' | 'operator' | 'finance' | 'auditor', ownerId: string) =>
  ledger.token({ role, ownerId, ttlSeconds });

describe('a person', () => {
  it('sees an opening balance, every movement and a closing balance', async () => {
    const { headers, body } = await get('me/statement?from=2026-11-21&to=2026-11-30');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      accountId: personId,
      opening: { bookedPoints: 1_070, heldPoints: 0, owedPoints: 0 },
      movements: [
        { kind: 'hold', points: -300, heldPoints: 300, ownerId: 'demo', exchangeId },
        { kind: 'capture', points: 0, heldPoints: -300, exchangeId },
      ],
      closing: { bookedPoints: 770, heldPoints: 0, owedPoints: 0 },
    });
    const before = (await get('me/statement?from=2026-11-01&to=2026-11-20')).body;
    expect(before.closing).toEqual(body.opening);
    expect(before.movements).toMatchObject([
      { kind: 'grant', points: 1_000 },
      { kind: 'grant', points: 70, ownerId: 'ward' },
      { kind: 'grant', points: 0, dryRunPoints: 5 },
    ]);
    const entries = await ledger.call('GET', `${v1}/accounts/me/entries`, { token: citizen });
    const ids = [...before.movements, ...body.movements].map(({ entryId }: { entryId: string }) => entryId);
    expect(ids.toSorted()).toEqual(entries.body.entries.map(({ entryId }: { entryId: string }) => entryId).toSorted());
  });

  it('sees the balance of any time, by what counts and by what was known', async () => {
    const at = async (query: string) => (await get(`me/balance?${query}`)).body;
    expect(await at('at=2026-11-20T12:00:00Z')).toMatchObject({
      accountId: personId,
      at: '2026-11-20T12:00:00.000Z',
      availablePoints: 1_070,
      lapsedPoints: 0,
      bookedPoints: 1_070,
      lots: [
        { bookedPoints: 1_000, heldPoints: 0, expiresAt: '2026-12-20T15:00:00.000Z', dryRun: false },
        { bookedPoints: 70, ownerId: 'ward', expiresAt: null },
        { bookedPoints: 5, dryRun: true },
      ],
    });
    expect(await at('recordedAt=2026-11-20T12:00:00Z')).toMatchObject({ bookedPoints: 1_070 });
    expect(await at('at=2020-01-01T00:00:00%2B09:00')).toMatchObject({ availablePoints: 0, lots: [] });
    // The first lot's term is over and nobody has recorded that yet: it cannot be used, here as in the account.
    const now = await at('');
    expect(now).toMatchObject({ availablePoints: 70, lapsedPoints: 700, bookedPoints: 770, heldPoints: 0 });
    expect((await ledger.account(personId)).body.availablePoints).toBe(now.availablePoints);
  });

  it('gets it as a spreadsheet', async () => {
    const { headers, body } = await get('me/statement?from=2026-11-20&to=2026-11-30', citizen, 'text/csv');
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = body.split('\r\n');
    expect(lines[0]).toMatch(/^row,accountId,entryId,effectiveAt,/);
    expect(lines[1]).toBe(`opening,${personId},,,,,,,0,0,0,,,,,`);
    expect(lines.at(-2)).toBe(`closing,${personId},,,,,,,770,0,0,,,,,`);
    expect(lines.map((line: string) => line.split(',')[0])).toContain('capture');
  });

  it('without events has zeros, and is refused what is no period or time', async () => {
    const nobody = await ledger.token({ role: 'citizen', subject: someId(), ttlSeconds });
    expect((await get('me/balance', nobody)).body).toMatchObject({ availablePoints: 0, lots: [] });
    expect((await get('me/statement?from=2026-11-20&to=2026-11-20', nobody)).body).toMatchObject({ movements: [] });
    for (const path of [
      'me/statement',
      'me/statement?from=2026-11-20&to=2026-11-19',
      'me/statement?from=2026-11-31&to=2026-12-01',
      'me/statement?from=2026-11-20&to=2026-11-20&recordedAt=x',
      'me/statement?from=2026-11-20&from=2026-11-20&to=2026-11-20',
      'me/balance?at=x',
      'me/balance?at=%00',
      'me/balance?unknown=1',
    ]) {
      expect(await get(path)).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    }
    for (const role of ['operator', 'support'] as const) {
      expect((await get('me/balance', await staff(role, 'demo'))).body.code).toBe('auth.role_required');
    }
  });
});

describe('staff', () => {
  it('see what their owner pays for, and every look is on record', async () => {
    for (const role of ['support', 'operator', 'finance', 'auditor'] as const) {
      const balance = await get(`${personId}/balance`, await staff(role, 'ward'));
      expect(balance.body).toMatchObject({ accountId: personId, bookedPoints: 70, lots: [{ ownerId: 'ward' }] });
      expect(ledger.logLines).toContainEqual(
        expect.objectContaining({ msg: 'account looked at', role, actor: `staff:${role}`, accountId: personId }),
      );
    }
    const statement = await get(`${personId}/statement?from=2026-11-20&to=2026-11-30`, await staff('finance', 'ward'));
    expect(statement.body.movements).toMatchObject([{ kind: 'grant', points: 70 }]);
    const looks = ledger.logLines.filter(({ msg }) => msg === 'account looked at');
    expect(looks).toHaveLength(5);
  });

  it('see no account that none of their points lie on, nor what is no account', async () => {
    const token = await staff('finance', 'nobody');
    for (const id of [personId, someId(), 'x', '%00', "'or 1=1", 'ME']) {
      for (const path of ['balance', 'statement?from=2026-11-20&to=2026-11-30']) {
        expect((await get(`${encodeURIComponent(id)}/${path}`, token)).status).toBe(404);
      }
    }
    expect((await get(`${personId}/balance`)).body.code).toBe('auth.role_required');
    expect((await ledger.call('GET', `${v1}/accounts/${personId}/balance`)).status).toBe(401);
  });
});
