import { account, type SettlementStage, startSettlementStage } from './test-settlement-stage.js';

let stage: SettlementStage;
beforeAll(async () => {
  stage = await startSettlementStage();
});
afterAll(() => stage.service.close());

describe('a contract with a provider', () => {
  it('is shown to all without the account, which lies sealed in the vault', async () => {
    const made = await stage.contract('shown-pay');
    expect(made).toMatchObject({ status: 201, body: { providerId: 'shown-pay', rateNumerator: 1, ownerId: 'demo' } });
    const { events } = await stage.service.log.readLog({ after: 0, limit: 100_000 });
    const vault = await stage.service.pool.query('select sealed from bank_accounts');
    const listed = await stage.service.call('GET', '/exchange/v1/providers');
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
    await stage.contract('two-pay');
    const second = await stage.contract('two-pay', { rateNumerator: 9, rateDenominator: 10 }, 'operator', 'ward');
    expect(second.body.contracts).toEqual([
      { ownerId: 'demo', rateNumerator: 1, rateDenominator: 1 },
      { ownerId: 'ward', rateNumerator: 9, rateDenominator: 10 },
    ]);
    expect(await stage.contract('two-pay', { unitPoints: 50 }, 'operator', 'ward')).toMatchObject({
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
    expect(await stage.contract('bad-pay', change)).toMatchObject({ status, body: { code } });
  });
});
