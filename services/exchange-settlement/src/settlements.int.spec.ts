import { createHash } from 'node:crypto';
import { derivedId, newId } from '@tsunagu/kernel';
import { startTestService, type TestService } from '@tsunagu/service-host/testing';
import {
  BankVault,
  bankVaultKey,
  definition,
  foldSettlement,
  renderSettlement,
  type SettlementEvent,
} from './index.js';

/** Settlements over exchanges that are on the log. The clock stands where each spec puts it. */

let service: TestService;
const funds = [newId(1), newId(2)] as const;

beforeAll(async () => {
  service = await startTestService(definition, { env: { TSUNAGU_EXCHANGE_SWEEP_SECONDS: '3600' } });
});
afterAll(() => service.close());

const account = {
  bankCode: '0005',
  branchCode: '100',
  accountKind: 'ordinary',
  accountNumber: '7654321',
  payeeKana: 'カブシキガイシャ　ペイ',
};

async function staff(role: 'operator' | 'finance' | 'auditor', subject: string, ownerId = 'demo') {
  return service.token({ role, subject, ownerId, ttlSeconds: 400 * 86_400 });
}

let calls = 0;
async function contract(
  providerId: string,
  change: Record<string, unknown> = {},
  subject = 'operator',
  ownerId = 'demo',
) {
  return service.call('POST', '/exchange/v1/providers', {
    token: await staff('operator', subject, ownerId),
    headers: { 'idempotency-key': `contract-${calls++}` },
    body: {
      providerId,
      name: 'Pay',
      baseUrl: `http://localhost:9/${providerId}/`,
      unitPoints: 100,
      minimumPoints: 100,
      bankAccount: account,
      ...change,
    },
  });
}

async function close(
  providerId: string,
  from: string,
  to: string,
  more: Record<string, unknown> = {},
  key = `close-${calls++}`,
) {
  return service.call('POST', '/settlement/v1/settlements', {
    token: await staff('finance', 'finance'),
    headers: { 'idempotency-key': key },
    body: { providerId, from, to, ...more },
  });
}

const get = async (path: string, subject = 'finance', ownerId = 'demo') =>
  service.call('GET', `/settlement/v1/settlements${path}`, { token: await staff('finance', subject, ownerId) });
const approve = async (settlementId: string, subject: string) =>
  service.call('POST', `/settlement/v1/settlements/${settlementId}/approve`, {
    token: await staff('finance', subject),
  });

async function bytes(path: string): Promise<Buffer> {
  const response = await fetch(`${service.url}/settlement/v1/settlements${path}`, {
    headers: { authorization: `Bearer ${await staff('finance', 'finance')}` },
  });
  return Buffer.from(await response.arrayBuffer());
}

let positions = 0;
/** An exchange on the log as the service records it, up to a step. Gives its id. */
async function exchange(
  providerId: string,
  parts: readonly { ownerId: string; points: number }[],
  upTo: 'requested' | 'held' | 'confirmed' | 'captured',
): Promise<string> {
  const exchangeId = newId(service.clock.now());
  await append(exchangeId, providerId, parts, ['requested', 'held', 'confirmed', 'captured'].indexOf(upTo));
  return exchangeId;
}

async function append(
  exchangeId: string,
  providerId: string,
  parts: readonly { ownerId: string; points: number }[],
  upTo: number,
  from = -1,
) {
  const points = parts.reduce((sum, part) => sum + part.points, 0);
  const ids = { exchangeId, personId: newId(3), providerId, points };
  const holdId = derivedId('hold', exchangeId);
  const lots = parts.map((part, index) => ({ lotId: newId(4), fundId: funds[index % 2], ...part }));
  const ownerIds = [...new Set(parts.map((part) => part.ownerId))];
  const stages: [string, object][][] = [
    [['ExchangeRequested', { ...ids, linkId: newId(5), payingOwnerIds: ownerIds }]],
    [
      [
        'ExchangeHeld',
        {
          exchangeId,
          holdId,
          lots,
          providerPoints: points,
          parts: ownerIds.map((ownerId) => {
            const own = parts.filter((part) => part.ownerId === ownerId).reduce((sum, part) => sum + part.points, 0);
            return { ownerId, points: own, providerPoints: own };
          }),
        },
      ],
      ['ExchangeSubmitted', { exchangeId, providerId }],
    ],
    [
      ['ProviderCredited', { exchangeId, providerReference: `=SP${points}`, creditedAt: '2026-01-01T00:00:00.000Z' }],
      ['ExchangeConfirmed', ids],
    ],
    [['ExchangeCaptured', { exchangeId, holdId, lots, ledger: { log: 0, position: ++positions } }]],
  ];
  const stream = `exchange-${exchangeId}`;
  const before = (await service.log.readStreams([stream])).get(stream) ?? [];
  const events = stages
    .slice(from + 1, upTo + 1)
    .flat()
    .map(([type, data]) => ({
      id: newId(service.clock.now()),
      type,
      schemaVersion: 1,
      effectiveAt: new Date(service.clock.now()).toISOString(),
      correlationId: exchangeId,
      causationId: null,
      actor: 'service:exchange-settlement',
      ownerId: 'demo',
      data,
    }));
  const expectedRevision = before.at(-1)?.revision ?? ('noStream' as const);
  await service.log.append([{ writes: [{ stream, expectedRevision, events }] }]);
}

const demo = (points: number) => [{ ownerId: 'demo', points }];

describe('a contract with a provider', () => {
  it('is shown to all without the account, which lies sealed in the vault', async () => {
    const made = await contract('shown-pay');
    expect(made).toMatchObject({ status: 201, body: { providerId: 'shown-pay', rateNumerator: 1, ownerId: 'demo' } });
    const { events } = await service.log.readLog({ after: 0, limit: 100_000 });
    const vault = await service.pool.query('select sealed from bank_accounts');
    const listed = await service.call('GET', '/exchange/v1/providers');
    expect(listed.body.providers).toContainEqual(expect.objectContaining({ providerId: 'shown-pay', unitPoints: 100 }));
    for (const text of [
      JSON.stringify(events),
      JSON.stringify(made.body),
      JSON.stringify(listed.body),
      ...vault.rows.map((row) => row.sealed.toString('latin1')),
    ]) {
      expect(text).not.toContain('7654321');
    }
  });

  it('is added by a second owner at its own rate, and refused with other facts', async () => {
    await contract('two-pay');
    const second = await contract('two-pay', { rateNumerator: 9, rateDenominator: 10 }, 'operator', 'ward');
    expect(second.body.contracts).toEqual([
      { ownerId: 'demo', rateNumerator: 1, rateDenominator: 1 },
      { ownerId: 'ward', rateNumerator: 9, rateDenominator: 10 },
    ]);
    expect(await contract('two-pay', { unitPoints: 50 }, 'operator', 'ward')).toMatchObject({
      status: 409,
      body: { code: 'exchange.provider_differs' },
    });
  });

  it.each([
    ['a host that is not allowed', { baseUrl: 'https://evil.example/' }, 422, 'exchange.provider_address_refused'],
    [
      'a bank that does not exist',
      { bankAccount: { ...account, bankCode: '9999' } },
      422,
      'exchange.bank_account_invalid',
    ],
    [
      'a branch that does not exist',
      { bankAccount: { ...account, branchCode: '999' } },
      422,
      'exchange.bank_account_invalid',
    ],
    [
      'a payee name in kanji',
      { bankAccount: { ...account, payeeKana: '株式会社' } },
      422,
      'exchange.bank_account_invalid',
    ],
    [
      'a payee name too long',
      { bankAccount: { ...account, payeeKana: 'ガ'.repeat(16) } },
      422,
      'exchange.bank_account_invalid',
    ],
    ['an account number of letters', { bankAccount: { ...account, accountNumber: 'abc' } }, 400, 'request.invalid'],
    ['no account', { bankAccount: null }, 400, 'request.invalid'],
    ['an unknown field', { surprise: 1 }, 400, 'request.invalid'],
  ])('is refused for %s', async (_, change, status, code) => {
    expect(await contract('bad-pay', change)).toMatchObject({ status, body: { code } });
  });
});

describe('a close', () => {
  it('takes what was captured in the period, carries what is open, and the files add up', async () => {
    service.clock.set('2026-12-01T01:00:00.000Z');
    await contract('pay');
    const taken = await exchange('pay', [...demo(300), { ownerId: 'demo', points: 200 }], 'captured');
    const shared = await exchange('pay', [...demo(100), { ownerId: 'ward', points: 700 }], 'captured');
    const open = await exchange('pay', demo(900), 'confirmed');
    const unheld = await exchange('pay', demo(400), 'requested');
    await exchange('pay', [{ ownerId: 'ward', points: 500 }], 'captured');
    expect(await close('pay', '2026-12-01', '2026-12-01')).toMatchObject({
      status: 409,
      body: { code: 'settlement.period_not_over' },
    });
    // The day ends at 15:00 UTC; the clock runs, so a few seconds before it.
    service.clock.set('2026-12-01T14:59:45.000Z');
    const last = await exchange('pay', demo(1_000), 'captured');
    service.clock.set('2026-12-01T15:00:00.000Z');
    const next = await exchange('pay', demo(2_000), 'captured');

    const refused = await close('pay', '2026-12-01', '2026-12-01', { openItems: 'refuse' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'settlement.open_items', count: 2 } });
    expect(refused.body.exchangeIds).toEqual([open, unheld]);
    const closed = await close('pay', '2026-12-01', '2026-12-01');
    expect(closed).toMatchObject({
      status: 201,
      body: {
        state: 'closed',
        ownerId: 'demo',
        providerId: 'pay',
        from: '2026-12-01',
        to: '2026-12-01',
        transferDate: '2026-12-03',
        exchangeCount: 3,
        points: 1_600,
        amountYen: 1_600,
        carriedOver: { count: 2, points: 1_300 },
      },
    });
    const { settlementId, files } = closed.body;
    expect(files.map((file: { name: string }) => file.name)).toEqual([
      'exchanges.csv',
      'exchange-funds.csv',
      'statement.csv',
      'zengin.txt',
      'manifest.json',
    ]);
    expect(await get(`/${settlementId}/files/zengin.txt`)).toMatchObject({
      status: 409,
      body: { code: 'settlement.not_approved' },
    });
    const csv = (await bytes(`/${settlementId}/files/exchanges.csv`)).toString('utf8');
    for (const id of [taken, shared, last]) expect(csv).toContain(id);
    for (const id of [open, unheld, next]) expect(csv).not.toContain(id);
    expect(csv).toContain(",'=SP");
    expect((await get(`/${settlementId}`)).body).toEqual(closed.body);
    expect((await get('')).body.settlements[0]).toEqual(closed.body);

    // Stamped a moment before midnight, committed between the close's reading and its append: no call can hit that moment, so the
    // read model is set as it would be.
    const straggler = await exchange('pay', demo(50), 'captured');
    await service.waitForProjections();
    await service.pool.query(`update exchanges set confirmed_at = '2026-12-01T14:59:59.999Z' where exchange_id = $1`, [
      straggler,
    ]);
    // The open one is captured later: the first later close takes both, whatever their day.
    await append(open, 'pay', demo(900), 3, 2);
    service.clock.set('2027-02-01T01:00:00.000Z');
    const later = await close('pay', '2027-01-10', '2027-01-12');
    expect(later.body).toMatchObject({
      exchangeCount: 2,
      points: 950,
      carriedIn: { count: 2, points: 950 },
      carriedOver: { count: 1, points: 400 },
    });
    const gap = await close('pay', '2026-12-02', '2027-01-09');
    expect(gap.body).toMatchObject({ exchangeCount: 1, points: 2_000, carriedIn: { count: 0, points: 0 } });
    expect(await close('pay', '2026-11-01', '2026-12-01')).toMatchObject({
      status: 409,
      body: { code: 'settlement.overlaps', settlementId },
    });
  });

  it('is approved by a second person, and only then the transfer file is released, byte for byte as listed', async () => {
    service.clock.set('2027-03-01T01:00:00.000Z');
    await contract('second-pay', {}, 'operator');
    await exchange('second-pay', demo(500), 'captured');
    service.clock.set('2027-03-02T01:00:00.000Z');
    const { settlementId, files } = (await close('second-pay', '2027-03-01', '2027-03-01')).body;
    for (const subject of ['finance', 'operator']) {
      expect(await approve(settlementId, subject)).toMatchObject({
        status: 403,
        body: { code: 'settlement.second_person_required' },
      });
    }
    await contract('second-pay', { bankAccount: { ...account, accountNumber: '1' } }, 'changer');
    expect((await approve(settlementId, 'changer')).status).toBe(403);
    expect(await approve(settlementId, 'approver')).toMatchObject({ status: 200, body: { state: 'approved' } });
    expect(await approve(settlementId, 'approver')).toMatchObject({ status: 200, body: { state: 'approved' } });
    for (const file of files as { name: string; sha256: string; bytes: number }[]) {
      const [first, second] = [
        await bytes(`/${settlementId}/files/${file.name}`),
        await bytes(`/${settlementId}/files/${file.name}`),
      ];
      expect(first.equals(second)).toBe(true);
      expect([first.length, createHash('sha256').update(first).digest('hex')]).toEqual([file.bytes, file.sha256]);
    }
    const transfer = (await bytes(`/${settlementId}/files/zengin.txt`)).toString('latin1').split('\r\n');
    expect(transfer.map((line) => line.length)).toEqual([120, 120, 120, 120, 0]);
    // The account as it was at the close, not as it was changed since.
    expect(transfer[1]?.slice(43, 50)).toBe('7654321');
    expect(transfer[1]?.slice(80, 90)).toBe('0000000500');
    const manifest = JSON.parse((await bytes(`/${settlementId}/files/manifest.json`)).toString('utf8'));
    expect(manifest).toMatchObject({ payeeAccountVersion: 1, controlTotals: { amountYen: 500 }, exchangeCount: 1 });
  });

  it('is rendered again from its stream and the vault alone', async () => {
    const { events } = await service.log.readLog({ after: 0, limit: 100_000, types: ['SettlementClosed'] });
    const vault = new BankVault(service.pool, await bankVaultKey(service.keyDirectory));
    expect(events.length).toBeGreaterThan(0);
    for (const { stream } of events) {
      const recorded = ((await service.log.readStreams([stream])).get(stream) ?? []) as unknown as SettlementEvent[];
      const settlement = foldSettlement(recorded);
      await expect(renderSettlement(settlement, vault)).resolves.toHaveLength(settlement.close?.files.length ?? -1);
      const [line] = settlement.lines;
      if (!line) continue;
      const changed = { ...settlement, lines: [{ ...line, points: line.points + 1 }, ...settlement.lines.slice(1)] };
      await expect(renderSettlement(changed, vault)).rejects.toThrow('not as they were listed');
    }
  });

  it('pays nothing where nothing was exchanged', async () => {
    await contract('empty-pay');
    const closed = await close('empty-pay', '2027-01-01', '2027-01-31');
    expect(closed.body).toMatchObject({ exchangeCount: 0, amountYen: 0 });
    expect(closed.body.files.map((file: { name: string }) => file.name)).not.toContain('zengin.txt');
    expect((await get(`/${closed.body.settlementId}/files/zengin.txt`)).status).toBe(404);
  });

  it('gives one settlement to the same call, and of two overlapping closes at once one wins', async () => {
    await contract('race-pay');
    const [first, again] = [
      await close('race-pay', '2027-01-01', '2027-01-01', {}, 'same'),
      await close('race-pay', '2027-01-01', '2027-01-01', {}, 'same'),
    ];
    expect(again.body).toEqual(first.body);
    const race = await Promise.all(Array.from({ length: 8 }, () => close('race-pay', '2027-01-02', '2027-01-05')));
    expect(race.map((answer) => answer.status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
  });

  it.each([
    ['a provider without a contract', 'nobody-pay', '2027-01-01', '2027-01-02', {}, 404, 'settlement.provider_unknown'],
    ['a day that does not exist', 'empty-pay', '2027-02-30', '2027-03-01', {}, 400, 'request.invalid'],
    ['a last day before the first', 'empty-pay', '2027-02-02', '2027-02-01', {}, 400, 'request.invalid'],
    [
      'a transfer on a Sunday',
      'empty-pay',
      '2027-02-01',
      '2027-02-01',
      { transferDate: '2027-03-07' },
      422,
      'settlement.transfer_date_invalid',
    ],
    [
      'a transfer far away',
      'empty-pay',
      '2027-02-01',
      '2027-02-01',
      { transferDate: '2027-09-01' },
      422,
      'settlement.transfer_date_invalid',
    ],
  ])('is refused for %s', async (_, providerId, from, to, more, status, code) => {
    expect(await close(providerId, from, to, more)).toMatchObject({ status, body: { code } });
  });

  it('belongs to its owner', async () => {
    const [settlement] = (await get('')).body.settlements;
    expect((await get(`/${settlement.settlementId}`, 'finance', 'ward')).status).toBe(404);
    expect((await get('', 'finance', 'ward')).body.settlements).toEqual([]);
    await contract('ward-pay', {}, 'operator', 'ward');
    const token = await staff('finance', 'finance', 'ward');
    const closed = await service.call('POST', '/settlement/v1/settlements', {
      token,
      headers: { 'idempotency-key': 'ward' },
      body: { providerId: 'ward-pay', from: '2027-01-01', to: '2027-01-01' },
    });
    expect(closed).toMatchObject({ status: 409, body: { code: 'settlement.payer_not_configured' } });
    const citizen = await service.token({ role: 'citizen', subject: newId(6), ttlSeconds: 400 * 86_400 });
    expect((await service.call('GET', '/settlement/v1/settlements', { token: citizen })).status).toBe(403);
  });
});
