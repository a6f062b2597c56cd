import { randomUUID } from 'node:crypto';
import type { FaultMode } from '@tsunagu/testing';
import { account, establishedLink, grant, type Launched, launchCampaign, untilState } from './launch.js';
import { answerJson, confirmed, LocalProvider, type ProviderHandler } from './local-provider.js';
import { People, simPayAccount } from './people.js';
import { PlatformProcess } from './platform-process.js';
import { typesOf } from './recorded.js';

const GRANTED = 3_000;
const POINTS = 1_000;
const ends = ['confirmed', 'rejected', 'cancelled'];

interface Ledger {
  readonly credits: readonly { readonly exchangeId: string; readonly points: number }[];
  readonly totals: { readonly count: number; readonly points: number };
}

describe('a provider that fails', () => {
  let platform: PlatformProcess;
  let people: People;
  let launched: Launched;
  const confirmedIds = new Set<string>();
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    people = People.of(platform);
    const operator = await people.staff('operator');
    launched = await launchCampaign(platform.api, operator, { fundPoints: 90_000, amountPoints: GRANTED });
  }, 90_000);
  afterAll(() => platform.remove());

  const faults = (mode: FaultMode) => platform.api.expect(204, 'PUT', '/sim-pay/faults', { body: { mode, share: 1 } });
  const citizenWithLink = async (order: Parameters<typeof establishedLink>[2] = simPayAccount()) => {
    const token = await people.citizen();
    await grant(platform.api, launched, token);
    return { token, linkId: await establishedLink(platform.api, token, order) };
  };
  const exchange = (token: string, linkId: string) =>
    platform.api.expect<{ exchangeId: string; state: string }>(202, 'POST', '/exchange/v1/exchanges', {
      token,
      body: { linkId, points: POINTS },
    });
  const read = (token: string, exchangeId: string, states: readonly string[]) =>
    untilState(platform.api, `/exchange/v1/exchanges/${exchangeId}`, token, states, 30_000);
  const balance = async (token: string) => {
    const { availablePoints, heldPoints } = await account(platform.api, token);
    return { availablePoints, heldPoints };
  };
  const inSimPay = async (exchangeId: string) => {
    const { credits } = await platform.api.expect<Ledger>(200, 'GET', '/sim-pay/ledger');
    return credits.filter((credit) => credit.exchangeId === exchangeId).map(({ points }) => points);
  };
  const held = { availablePoints: GRANTED - POINTS, heldPoints: POINTS };
  const spent = { availablePoints: GRANTED - POINTS, heldPoints: 0 };

  const asked = ['ExchangeRequested', 'ExchangeHeld', 'ExchangeSubmitted'];
  const said = ['ProviderCredited', 'ExchangeConfirmed', 'ExchangeCaptured'];

  it.each([
    ['credit_then_drop', 'outcome_unknown', [...asked, 'ExchangeOutcomeUnknown', ...said]],
    ['late', 'outcome_unknown', [...asked, 'ExchangeOutcomeUnknown', ...said]],
    ['error', 'outcome_unknown', [...asked, 'ExchangeOutcomeUnknown', ...said]],
    ['timeout', 'outcome_unknown', [...asked, 'ExchangeOutcomeUnknown', ...said]],
    ['pending', 'submitted', [...asked, ...said]],
  ] as const)(
    '%s: the points are held while it is %s, and gone only by the yes',
    async (mode, between, events) => {
      const { token, linkId } = await citizenWithLink();
      await faults(mode);
      const { exchangeId } = await exchange(token, linkId);
      const path = `/exchange/v1/exchanges/${exchangeId}`;
      for (;;) {
        const now = await balance(token);
        // The ledger's capture may be seen there before it is seen here.
        expect([held, spent]).toContainEqual(now);
        const { state } = await platform.api.expect<{ state: string }>(200, 'GET', path, { token });
        expect(['rejected', 'cancelled', 'under_review']).not.toContain(state);
        if (state === between) {
          await faults('none');
          break;
        }
        if (state === 'confirmed') break;
      }
      const end = await read(token, exchangeId, ends);
      expect(end).toMatchObject({ state: 'confirmed', points: POINTS, providerPoints: POINTS });
      expect(end.providerReference).toMatch(/^SP\d{12}$/);
      expect(await balance(token)).toEqual(spent);
      expect(await inSimPay(exchangeId)).toEqual([POINTS]);
      expect(await typesOf(people.databases, 'exchange_settlement', `exchange-${exchangeId}`)).toEqual(events);
      const { accountId } = await platform.api.expect<{ accountId: string }>(
        200,
        'GET',
        '/point-ledger/v1/accounts/me',
        {
          token,
        },
      );
      expect(await typesOf(people.databases, 'point_ledger', `account-${accountId}`)).toEqual([
        'PointsGranted',
        'PointsHeld',
        'HoldCaptured',
      ]);
      confirmedIds.add(exchangeId);
    },
    60_000,
  );

  it('reject: the points come back, and the provider has credited nothing', async () => {
    const { token, linkId } = await citizenWithLink();
    await faults('reject');
    const { exchangeId } = await exchange(token, linkId);
    expect(await read(token, exchangeId, ends)).toMatchObject({ state: 'rejected', reasonCode: 'declined' });
    // The rejection is told as soon as it is recorded; the ledger gives the points back when it hears of it.
    const until = Date.now() + 10_000;
    while ((await balance(token)).heldPoints > 0 && Date.now() < until);
    expect(await balance(token)).toEqual({ availablePoints: GRANTED, heldPoints: 0 });
    expect(await inSimPay(exchangeId)).toEqual([]);
    await faults('none');
    const again = await exchange(token, linkId);
    expect((await read(token, again.exchangeId, ends)).state).toBe('confirmed');
    confirmedIds.add(again.exchangeId);
  }, 60_000);

  const credit = { state: 'credited', providerReference: 'G1', creditedAt: '2026-11-20T00:00:00Z' };
  const garbage: Readonly<Record<string, ProviderHandler>> = {
    'an empty 200': (_, response) => void response.writeHead(200).end(),
    HTML: (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works!</h1>'),
    'cut JSON': (_, response) => void response.writeHead(200).end(JSON.stringify(credit).slice(0, -1)),
    'invalid UTF-8': (_, response) => void response.writeHead(200).end(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])),
    'an unknown state': (_, response) => answerJson(response, 200, { ...credit, state: 'CREDITED' }),
    'a credit without reference': (_, response) =>
      answerJson(response, 200, { ...credit, providerReference: undefined }),
    'a credit of no time': (_, response) => answerJson(response, 200, { ...credit, creditedAt: 'yesterday' }),
    'a credit as 201': (_, response) => answerJson(response, 201, credit),
    'a rejection as 400': (_, response) => answerJson(response, 400, { state: 'rejected', reasonCode: 'declined' }),
    'a redirect': (_, response) => void response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(),
    'more than 64 KiB': (_, response) => answerJson(response, 200, { ...credit, more: 'x'.repeat(70_000) }),
    'a cut answer': (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write(JSON.stringify(credit), () => response.destroy());
    },
    'a list': (_, response) => answerJson(response, 200, [credit]),
    'no HTTP': (_, response) => void response.socket?.end('nonsense\r\n\r\n'),
  };

  it('garbage of every kind: unknown, never a false refusal nor a false credit, and the truth in the end', async () => {
    let answering: 'garbage' | 'truth' = 'garbage';
    const kinds = new Map<string, ProviderHandler>();
    const credited = new Set<string>();
    const provider = await LocalProvider.listen('garbage-pay', (call, response, request) => {
      if (call.endsWith('account-confirmations')) return confirmed(response, randomUUID());
      const key = call.startsWith('GET') ? call.split('/').at(-1) : request.headers['idempotency-key'];
      const exchangeId = String(key);
      if (answering === 'truth') {
        credited.add(exchangeId);
        return answerJson(response, 200, credit);
      }
      const kind = kinds.get(exchangeId) ?? Object.values(garbage)[kinds.size % Object.keys(garbage).length];
      if (kind) kinds.set(exchangeId, kind);
      kind?.(call, response, request);
    });
    await provider.register(platform.api, await people.staff('operator'));
    const all = await Promise.all(
      Object.keys(garbage).map(async (_, index) => {
        const atProvider = { providerId: 'garbage-pay', providerAccountId: `account-${index}`, securityCode: 'x' };
        const { token, linkId } = await citizenWithLink(atProvider);
        return { token, exchangeId: (await exchange(token, linkId)).exchangeId };
      }),
    );
    const states = await Promise.all(
      all.map(async ({ token, exchangeId }) => (await read(token, exchangeId, ['outcome_unknown', ...ends])).state),
    );
    // Nothing but garbage is said until `answering` changes, so this state stays.
    expect(states).toEqual(all.map(() => 'outcome_unknown'));
    expect(await Promise.all(all.map(({ token }) => balance(token)))).toEqual(all.map(() => held));
    // Every kind was asked once more, and has answered garbage again.
    const inquired = () => new Set(provider.calls.filter((call) => call.startsWith('GET'))).size;
    const until = Date.now() + 20_000;
    while (inquired() < all.length && Date.now() < until) await new Promise((resolve) => setImmediate(resolve));
    expect(inquired()).toBe(all.length);
    expect(await Promise.all(all.map(({ token }) => balance(token)))).toEqual(all.map(() => held));

    answering = 'truth';
    const last = await Promise.all(all.map(({ token, exchangeId }) => read(token, exchangeId, ends)));
    expect(last.map(({ state }) => state)).toEqual(all.map(() => 'confirmed'));
    expect(await Promise.all(all.map(({ token }) => balance(token)))).toEqual(all.map(() => spent));
    expect(credited).toEqual(new Set(all.map(({ exchangeId }) => exchangeId)));
    await provider.close();
  }, 90_000);

  it("the provider's ledger is the confirmed exchanges, once each, and verify is clean", async () => {
    const { credits, totals } = await platform.api.expect<Ledger>(200, 'GET', '/sim-pay/ledger');
    expect(new Set(credits.map(({ exchangeId }) => exchangeId))).toEqual(confirmedIds);
    expect(totals).toMatchObject({ count: confirmedIds.size, points: confirmedIds.size * POINTS });
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 60_000);
});
