import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProviderClient, signedHeaders } from '@tsunagu/provider-client';
import { type TestDatabase, testDatabase } from '../test-database.js';
import { SimulatedProvider } from './simulated-provider.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const key = { kid: 'provider-1', privateKey };
const clock = { now: () => Date.parse('2026-11-20T01:00:00Z') };
const ref = `sp-${'a'.repeat(24)}`;
let database: TestDatabase;
let server: Server;
let baseUrl: string;
let client: ProviderClient;
/** For the one fault that is waited out. */
let hasty: ProviderClient;

beforeAll(async () => {
  database = await testDatabase();
  const open = () =>
    SimulatedProvider.open({
      pool: database.pool,
      clock,
      publicKey: (kid) => (kid === key.kid ? publicKey : undefined),
    });
  const provider = await open();
  await open();
  server = createServer((request, response) => void provider.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sim-pay`;
  const options = { key: async () => key, allowedHosts: ['127.0.0.1'], loopbackAllowed: true };
  client = new ProviderClient({ ...options, connectTimeoutMs: 20_000, timeoutMs: 20_000 });
  hasty = new ProviderClient({ ...options, timeoutMs: 300 });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await database.close();
});
beforeEach(() => faults('none'));

async function faults(mode: string, share?: number): Promise<void> {
  const response = await fetch(`${baseUrl}/faults`, { method: 'PUT', body: JSON.stringify({ mode, share }) });
  expect(response.status).toBe(204);
}

const credit = (exchangeId: string, points = 300, by = client) =>
  by.call({
    method: 'POST',
    baseUrl,
    path: '/tsunagu/v1/credits',
    idempotencyKey: exchangeId,
    body: {
      exchangeId,
      providerAccountRef: ref,
      points,
      providerPoints: points,
      requestedAt: '2026-11-20T01:00:00.000Z',
    },
  });
const inquire = (exchangeId: string) =>
  client.call({ method: 'GET', baseUrl, path: `/tsunagu/v1/credits/${exchangeId}` });
const cancel = (exchangeId: string) =>
  client.call({ method: 'POST', baseUrl, path: `/tsunagu/v1/credits/${exchangeId}/cancellations` });
const confirm = (providerAccountId: string, securityCode: string) =>
  client.call({
    method: 'POST',
    baseUrl,
    path: '/tsunagu/v1/account-confirmations',
    body: { linkId: randomUUID(), providerAccountId, securityCode },
  });

const credited = { answered: true, status: 200, json: { state: 'credited', creditedAt: '2026-11-20T01:00:00.000Z' } };
const answered = (status: number, json: unknown) => ({ answered: true, status, json });

async function ledger(): Promise<{ credits: { exchangeId: string }[]; totals: { count: number; points: number } }> {
  return (await fetch(`${baseUrl}/ledger?cursor=0`)).json() as never;
}

describe('the simulated provider', () => {
  it('confirms any account of 4 to 32 digits by its last four', async () => {
    expect(await confirm('12345678', '5678')).toMatchObject(answered(200, { confirmed: true }));
    expect(await confirm('12345678', '5679')).toEqual(
      answered(200, { confirmed: false, reasonCode: 'security_code_wrong' }),
    );
    expect(await confirm('567', '567')).toMatchObject(answered(200, { confirmed: false }));
  });

  it('gives a code for a choice on its page, and the account for all that belongs to the code', async () => {
    const linkId = randomUUID();
    const codeVerifier = 'v'.repeat(43);
    const redirectUri = 'https://app.example/return';
    const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
    const query = new URLSearchParams({
      response_type: 'code',
      link_id: linkId,
      state: 's',
      code_challenge: codeChallenge,
      code_challenge_method: 'S256',
      redirect_uri: redirectUri,
    });
    const visit = (account: string) =>
      fetch(`${baseUrl}/tsunagu/v1/authorize?${query}`, {
        method: 'POST',
        body: new URLSearchParams({ account }),
        redirect: 'manual',
      });
    const path = '/tsunagu/v1/account-authorizations';
    const told = () => client.call({ method: 'GET', baseUrl, path: `${path}/${linkId}` });
    expect(await told()).toMatchObject(answered(404, {}));
    expect((await visit('12a')).status).toBe(400);
    const back = new URL((await visit('12345678')).headers.get('location') ?? '').searchParams;
    expect(new URL((await visit('87654321')).headers.get('location') ?? '').searchParams).toEqual(back);
    const redeem = (more: object = {}) =>
      client.call({
        method: 'POST',
        baseUrl,
        path,
        body: { linkId, code: back.get('code'), codeVerifier, redirectUri, ...more },
      });
    const first = await redeem();
    expect(first).toMatchObject(answered(200, { confirmed: true }));
    expect(await redeem()).toEqual(first);
    for (const more of [
      { linkId: randomUUID() },
      { code: 'x' },
      { codeVerifier: 'w'.repeat(43) },
      { redirectUri: 'x' },
    ]) {
      expect(await redeem(more)).toEqual(answered(200, { confirmed: false, reasonCode: 'code_not_accepted' }));
    }
    expect(await told()).toMatchObject(answered(200, { confirmed: true, codeChallenge }));
  });

  it('credits an exchange once, however often it is asked, and lists it', async () => {
    const before = await ledger();
    const id = randomUUID();
    const first = await credit(id);
    expect(first).toMatchObject(credited);
    expect(await Promise.all([credit(id), credit(id), inquire(id)])).toEqual([first, first, first]);
    expect(await credit(id, 400)).toMatchObject(answered(422, {}));
    const after = await ledger();
    expect(after.totals.points - before.totals.points).toBe(300);
    expect(after.credits.filter(({ exchangeId }) => exchangeId === id)).toHaveLength(1);
  });

  it('refuses a cancelled exchange for ever, and never cancels a credited one', async () => {
    const id = randomUUID();
    expect(await inquire(id)).toMatchObject(answered(404, {}));
    expect(await cancel(id)).toEqual(answered(200, { state: 'cancelled' }));
    expect(await credit(id)).toEqual(answered(200, { state: 'cancelled' }));
    const other = randomUUID();
    await credit(other);
    expect(await cancel(other)).toMatchObject(credited);
  });

  it.each([
    ['reject', answered(200, { state: 'rejected', reasonCode: 'declined' }), answered(200, { state: 'rejected' })],
    ['timeout', { answered: false, why: 'timeout' }, answered(404, {})],
    ['credit_then_drop', { answered: false, why: 'connection' }, credited],
    ['pending', answered(202, { state: 'pending' }), credited],
    ['error', answered(500, {}), answered(404, {})],
    ['late', { answered: false, why: 'connection' }, answered(404, {})],
  ])('answers as told: %s', async (mode, first, inquired) => {
    const id = randomUUID();
    await faults(mode);
    expect(await credit(id, 300, mode === 'timeout' ? hasty : client)).toMatchObject(first);
    expect(await inquire(id)).toMatchObject(inquired);
    await faults('none');
    const end = mode === 'reject' ? answered(200, { state: 'rejected' }) : credited;
    expect(await credit(id)).toMatchObject(end);
    expect((await ledger()).credits.filter(({ exchangeId }) => exchangeId === id)).toHaveLength(
      mode === 'reject' ? 0 : 1,
    );
  });

  it('lets a late credit arrive after its absence was told', async () => {
    const id = randomUUID();
    await faults('late');
    await credit(id);
    expect(await inquire(id)).toMatchObject(answered(404, {}));
    expect(await inquire(id)).toMatchObject(credited);
  });

  it('meets a share of the credits only', async () => {
    await faults('error', 0);
    expect(await credit(randomUUID())).toMatchObject(credited);
  });

  it('refuses unsigned, wrongly signed and replayed calls', async () => {
    const url = `${baseUrl}/tsunagu/v1/credits/${randomUUID()}`;
    expect((await fetch(url)).status).toBe(401);
    const other = { kid: 'provider-1', privateKey: generateKeyPairSync('ed25519').privateKey };
    const get = async (headers: Record<string, string>) =>
      new Promise<number>((resolve) => {
        httpRequest(url, { headers }, (response) => resolve(response.resume().statusCode ?? 0)).end();
      });
    expect(await get(await signedHeaders(other, { method: 'GET', url, headers: {} }, undefined))).toBe(401);
    const good = await signedHeaders(key, { method: 'GET', url, headers: {} }, undefined);
    expect([await get(good), await get(good)]).toEqual([404, 401]);
  });
});
