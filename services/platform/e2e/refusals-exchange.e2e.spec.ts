import { randomUUID } from 'node:crypto';
import { addDays, japanDay, japanDayOf } from '@tsunagu/kernel';
import { account, establishedLink, grant, type Launched, launchCampaign, untilState } from './launch.js';
import { answerJson, confirmed, LocalProvider } from './local-provider.js';
import { People, refusal, simPayAccount } from './people.js';
import { PlatformProcess } from './platform-process.js';

const UNKNOWN_ID = '019ab3f0-6c00-7000-8000-000000000001';
const missing = '404 request.not_found';

interface Settlement {
  readonly settlementId: string;
  readonly exchangeCount: number;
  readonly carriedOver: { readonly count: number };
  readonly exchangeIds?: readonly string[];
}

describe('what links, exchanges and settlements refuse', () => {
  let platform: PlatformProcess;
  let people: People;
  let operator: string;
  let launched: Launched;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    people = People.of(platform);
    operator = await people.staff('operator');
    launched = await launchCampaign(platform.api, operator, { fundPoints: 100_000, amountPoints: 3_000 });
  }, 90_000);
  afterAll(() => platform.remove());

  const post = <T = Record<string, unknown>>(path: string, token: string, body: unknown) =>
    platform.api.call<T>('POST', path, { token, body });
  const link = (token: string, order: object) =>
    post<{ linkId: string; state: string }>('/service-link/v1/links', token, order);
  const exchange = (token: string, linkId: string, points: number) =>
    post<{ exchangeId: string; state: string }>('/exchange/v1/exchanges', token, { linkId, points });
  const get = async (path: string, token: string) => refusal(await platform.api.call('GET', path, { token }));

  it('links: one provider a person, one person an account', async () => {
    const [first = '', second = '', third = ''] = await people.citizens(3);
    const order = simPayAccount();
    const linkId = await establishedLink(platform.api, first, order);
    const again = await link(first, simPayAccount());
    expect(refusal(again)).toBe('409 service_link.provider_already_chosen');
    expect(again.body.linkId).toBe(linkId);
    expect(refusal(await link(second, order))).toBe('409 service_link.account_taken');
    expect(refusal(await link(second, { ...order, providerId: 'nobody' }))).toBe('404 service_link.provider_unknown');
    expect(refusal(await link(second, { ...order, programmeId: 'nobody' }))).toBe('404 service_link.programme_unknown');
    expect(await get(`/service-link/v1/links/${linkId}`, second)).toBe(missing);
    expect(await get(`/service-link/v1/links/${UNKNOWN_ID}`, first)).toBe(missing);
    expect(await get('/service-link/v1/links/x', first)).toBe(missing);

    const wrong = await link(third, { ...simPayAccount(), securityCode: 'none' });
    expect(wrong).toMatchObject({ status: 202, body: { state: 'refused', reasonCode: 'security_code_wrong' } });
    expect(refusal(await exchange(third, wrong.body.linkId, 100))).toBe('409 exchange.link_not_established');
    // A refused link has chosen nothing: the person may try again.
    await establishedLink(platform.api, third, simPayAccount());
  });

  it('exchanges: units, minimum, points, and whose link it is; a refusal moves nothing', async () => {
    const [citizen = '', other = ''] = await people.citizens(2);
    await grant(platform.api, launched, citizen);
    const linkId = await establishedLink(platform.api, citizen, simPayAccount());
    expect(refusal(await exchange(citizen, linkId, 150))).toBe('422 exchange.not_in_units');
    expect(refusal(await exchange(citizen, linkId, 50))).toBe('422 exchange.below_minimum');
    const idempotencyKey = randomUUID();
    const order = { token: citizen, body: { linkId, points: 3_100 }, idempotencyKey };
    const tooMany = await platform.api.call('POST', '/exchange/v1/exchanges', order);
    expect(refusal(tooMany)).toBe('409 exchange.insufficient_points');
    // A rule's refusal is the answer of its key for good.
    expect(refusal(await platform.api.call('POST', '/exchange/v1/exchanges', order))).toBe(refusal(tooMany));
    expect(refusal(await exchange(other, linkId, 100))).toBe(missing);
    expect(refusal(await exchange(citizen, UNKNOWN_ID, 100))).toBe(missing);
    expect(await account(platform.api, citizen)).toMatchObject({ availablePoints: 3_000, heldPoints: 0 });

    const { body } = await exchange(citizen, linkId, 3_000);
    expect(
      (await untilState(platform.api, `/exchange/v1/exchanges/${body.exchangeId}`, citizen, ['confirmed'])).state,
    ).toBe('confirmed');
    expect(await get(`/exchange/v1/exchanges/${body.exchangeId}`, other)).toBe(missing);
    expect(await get(`/exchange/v1/exchanges/${UNKNOWN_ID}`, citizen)).toBe(missing);
    const stranger = await people.staff('operator', { ownerId: 'other-city' });
    expect(await get(`/exchange/v1/exchanges/${body.exchangeId}`, stranger)).toBe(missing);
    expect(refusal(await exchange(citizen, linkId, 100))).toBe('409 exchange.insufficient_points');
    expect(await get('/exchange/v1/providers/nobody', citizen)).toBe(missing);
  });

  it('providers: other facts, another address, an account that no bank knows', async () => {
    const provider = await LocalProvider.listen('facts-pay', (_, response) => answerJson(response, 200, {}));
    const order = provider.order();
    const registered = async (body: object, token = operator) =>
      refusal(await post('/exchange/v1/providers', token, body));
    const bank = (change: object) => ({ ...order, bankAccount: { ...order.bankAccount, ...change } });
    expect(await registered({ ...order, baseUrl: 'https://example.com/pay' })).toBe(
      '422 exchange.provider_address_refused',
    );
    expect(await registered({ ...order, baseUrl: 'file:///etc/passwd' })).toBe('422 exchange.provider_address_refused');
    expect(await registered(bank({ bankCode: '9998' }))).toBe('422 exchange.bank_account_invalid');
    expect(await registered(bank({ payeeKana: '漢字' }))).toBe('422 exchange.bank_account_invalid');
    // A rate of null is none, in the log as in the list.
    await provider.register(platform.api, operator, { rateNumerator: null, rateDenominator: null });
    const { providers } = await platform.api.expect<{ providers: object[] }>(200, 'GET', '/exchange/v1/providers');
    expect(providers).toMatchObject([
      { providerId: 'facts-pay', contracts: [{ rateNumerator: 1, rateDenominator: 1 }] },
      { providerId: 'sim-pay' },
    ]);
    expect(await registered({ ...order, unitPoints: 7 })).toBe('409 exchange.provider_differs');
    const otherOwner = await people.staff('operator', { ownerId: 'other-city' });
    expect(await registered({ ...order, name: 'Another name' }, otherOwner)).toBe('409 exchange.provider_differs');
    await provider.register(platform.api, otherOwner, { rateNumerator: 1, rateDenominator: 2 });
    await provider.close();
  });

  it('409 request.idempotency_in_progress while the first call runs, its answer afterwards', async () => {
    const held: (() => void)[] = [];
    const provider = await LocalProvider.listen('slow-pay', (_, response) => {
      held.push(() => confirmed(response, 'slow-account'));
    });
    await provider.register(platform.api, operator);
    const token = await people.citizen();
    const body = { providerId: 'slow-pay', providerAccountId: 'slow', securityCode: 'slow' };
    const send = { token, body, idempotencyKey: randomUUID() };
    const first = platform.api.call('POST', '/service-link/v1/links', send);
    while (provider.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(refusal(await platform.api.call('POST', '/service-link/v1/links', send))).toBe(
      '409 request.idempotency_in_progress',
    );
    const other = { ...send, body: { ...body, securityCode: 'other' } };
    expect(refusal(await platform.api.call('POST', '/service-link/v1/links', other))).toBe(
      '422 request.idempotency_key_reused',
    );
    for (const answer of held) answer();
    expect(await first).toMatchObject({ status: 202, body: { state: 'established' } });
    expect(await platform.api.call('POST', '/service-link/v1/links', send)).toEqual(await first);
    await provider.close();
  });

  it('settlements: days, open items, the second person, the file before its time, other owners', async () => {
    // Pays half of what it is asked for; the other half stays pending.
    const provider = await LocalProvider.listen('half-pay', (call, response, request) => {
      if (call.endsWith('account-confirmations')) return confirmed(response, randomUUID());
      const exchangeId = call.startsWith('GET') ? call.split('/').at(-1) : request.headers['idempotency-key'];
      credited ??= exchangeId as string;
      if (exchangeId !== credited) return answerJson(response, 202, { state: 'pending' });
      return answerJson(response, 200, {
        state: 'credited',
        providerReference: 'H1',
        creditedAt: new Date().toISOString(),
      });
    });
    let credited: string | undefined;
    await provider.register(platform.api, await people.staff('operator', { subject: 'olga' }));
    const [citizen = ''] = await people.citizens(1);
    await grant(platform.api, launched, citizen);
    const atHalfPay = { providerId: 'half-pay', providerAccountId: 'half', securityCode: 'half' };
    const linkId = await establishedLink(platform.api, citizen, atHalfPay);
    const paid = (await exchange(citizen, linkId, 1_000)).body.exchangeId;
    await untilState(platform.api, `/exchange/v1/exchanges/${paid}`, citizen, ['confirmed']);
    const pending = (await exchange(citizen, linkId, 1_000)).body.exchangeId;

    const day = japanDayOf(await people.nowMs());
    const period = { providerId: 'half-pay', from: day, to: day };
    const close = async (token: string, change: object = {}) =>
      post<Settlement>('/settlement/v1/settlements', token, { ...period, ...change });
    let finance = await people.staff('finance');
    expect(refusal(await close(finance))).toBe('409 settlement.period_not_over');
    expect(await platform.run('clock', '--forward', '1d')).toMatchObject({ code: 0 });
    finance = await people.staff('finance');
    expect(refusal(await close(finance, { to: addDays(japanDay(day), 1) }))).toBe('409 settlement.period_not_over');
    expect(refusal(await close(finance, { providerId: 'nobody' }))).toBe('404 settlement.provider_unknown');
    expect(refusal(await close(finance, { transferDate: day }))).toBe('422 settlement.transfer_date_invalid');
    const open = await close(finance, { openItems: 'refuse' });
    expect(refusal(open)).toBe('409 settlement.open_items');
    expect(open.body.exchangeIds).toEqual([pending]);

    const closed = await close(finance, { openItems: 'carry' });
    expect(closed).toMatchObject({
      status: 201,
      body: { state: 'closed', exchangeCount: 1, carriedOver: { count: 1 } },
    });
    const path = `/settlement/v1/settlements/${closed.body.settlementId}`;
    const overlapping = await close(finance, { from: addDays(japanDay(day), -3) });
    expect(refusal(overlapping)).toBe('409 settlement.overlaps');
    expect(await get(`${path}/files/zengin.txt`, finance)).toBe('409 settlement.not_approved');
    expect(await get(`${path}/files/other.txt`, finance)).toBe(missing);
    expect(await get(`/settlement/v1/settlements/${UNKNOWN_ID}`, finance)).toBe(missing);
    const stranger = await people.staff('finance', { ownerId: 'other-city' });
    expect(await get(path, stranger)).toBe(missing);
    expect(await get(`${path}/files/exchanges.csv`, stranger)).toBe(missing);
    expect(refusal(await post(`${path}/approve`, stranger, undefined))).toBe(missing);
    expect(refusal(await close(stranger))).toBe('404 settlement.provider_unknown');

    for (const [who, subject] of [
      ['who closed it', 'finance'],
      ['who set the bank account', 'olga'],
    ] as const) {
      const answer = await post(`${path}/approve`, await people.staff('finance', { subject }), undefined);
      expect([who, refusal(answer)]).toEqual([who, '403 settlement.second_person_required']);
    }
    const approver = await people.staff('finance', { subject: 'second' });
    expect(await post(`${path}/approve`, approver, undefined)).toMatchObject({
      status: 200,
      body: { state: 'approved' },
    });
    const file = await platform.api.bytes(`${path}/files/zengin.txt`, finance);
    expect([file.status, file.bytes.length]).toEqual([
      200,
      (closed.body as unknown as Files).files.find(isZengin)?.bytes,
    ]);
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
    await provider.close();
  }, 60_000);
});

interface Files {
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

function isZengin({ name }: { name: string }): boolean {
  return name === 'zengin.txt';
}
