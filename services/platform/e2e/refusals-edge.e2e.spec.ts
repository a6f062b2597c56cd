import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { isoTime } from '@tsunagu/kernel';
import {
  type KeyUse,
  loadOrCreateKey,
  type Role,
  rotateKey,
  type SigningKey,
  shownFirstMs,
  signAccessToken,
} from '@tsunagu/service-host';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { People, refusal } from './people.js';
import { PlatformProcess } from './platform-process.js';

const HOUR_MS = 3_600_000;
const FUND = { name: 'Fund', amountPoints: 1_000, fiscalYear: 2026 };
const UNKNOWN_ID = '019ab3f0-6c00-7000-8000-000000000001';

/** One call a service that needs a token, with a role that it takes and one that it does not. */
const CALLS: readonly { service: string; method: string; path: string; fits: Role; wrong: Role }[] = [
  { service: 'identity', method: 'DELETE', path: '/identity/v1/sessions/current', fits: 'kiosk', wrong: 'operator' },
  { service: 'campaign', method: 'GET', path: '/campaign/v1/claims', fits: 'citizen', wrong: 'finance' },
  { service: 'point-ledger', method: 'GET', path: '/point-ledger/v1/funds', fits: 'operator', wrong: 'citizen' },
  { service: 'service-link', method: 'GET', path: '/service-link/v1/links', fits: 'citizen', wrong: 'operator' },
  { service: 'exchange', method: 'GET', path: '/exchange/v1/exchanges', fits: 'citizen', wrong: 'partner' },
  { service: 'settlement', method: 'GET', path: '/settlement/v1/settlements', fits: 'finance', wrong: 'support' },
];

describe('what every call is refused for', () => {
  let platform: PlatformProcess;
  let people: People;
  let operator: string;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    people = People.of(platform);
    operator = await people.staff('operator');
  }, 90_000);
  afterAll(() => platform.remove());

  const key = (use: KeyUse) => loadOrCreateKey(people.directory.keys, use, 'RS256');
  const tokenBy = async (signingKey: SigningKey, role: Role, subject: string) => {
    const nowMs = await people.nowMs();
    return signAccessToken(signingKey, { role, subject, ownerId: 'demo', ttlSeconds: 600 }, { now: () => nowMs });
  };
  const send = (method: string, path: string, init: RequestInit) =>
    fetch(platform.api.baseUrl + path, { method, ...init }).then(async (response) => ({
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as { code: string; errors?: { field: string }[]; traceId: string },
    }));

  it.each(CALLS)(
    '$service: 401 auth.token_invalid for no token and for every bad one',
    async ({ method, path, fits }) => {
      const answer = async (token?: string) =>
        refusal(await platform.api.call(method, path, token === undefined ? {} : { token }));
      const good = await tokenBy(await key(fits === 'citizen' ? 'citizen' : 'staff'), fits, UNKNOWN_ID);
      const [head = '', claims = '', signature = ''] = good.split('.');
      const forged = { ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object), sub: 'someone' };
      const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const bad = {
        none: undefined,
        garbage: 'garbage',
        'no signature': `${head}.${claims}.`,
        'another claim under the same signature': `${head}.${encode(forged)}.${signature}`,
        'alg none': `${encode({ alg: 'none', typ: 'at+jwt' })}.${claims}.`,
        expired: await people.staff('operator', { issuedMsAgo: 2 * HOUR_MS }),
        'of the future': await people.staff('operator', { issuedMsAgo: -HOUR_MS }),
        "staff's key for a citizen": await tokenBy(await key('staff'), 'citizen', UNKNOWN_ID),
        "citizens' key for an operator": await tokenBy(await key('citizen'), 'operator', 'operator'),
        "a service's key for an operator": await tokenBy(await key('service-campaign'), 'operator', 'operator'),
        "one service's key for another": await tokenBy(await key('service-campaign'), 'service', 'identity'),
        "a stranger's key": await strangersToken(fits),
      };
      const found = Object.fromEntries(
        await Promise.all(Object.entries(bad).map(async ([name, token]) => [name, await answer(token)])),
      );
      expect(found).toEqual(Object.fromEntries(Object.keys(bad).map((name) => [name, '401 auth.token_invalid'])));
      expect((await send(method, path, { headers: { authorization: 'Basic b3A6b3A=' } })).status).toBe(401);
    },
  );

  it.each(CALLS)('$service: 403 auth.role_required for $wrong', async ({ method, path, wrong }) => {
    const token = wrong === 'citizen' ? await people.citizen() : await people.staff(wrong as 'operator');
    expect(refusal(await platform.api.call(method, path, { token }))).toBe('403 auth.role_required');
  });

  it('400 request.invalid names the fields, unknown ones too', async () => {
    const [citizen, finance] = [await people.citizen(), await people.staff('finance')];
    const fields = async (path: string, token: string | undefined, body: unknown) => {
      const answer = await platform.api.call('POST', path, { body, ...(token !== undefined && { token }) });
      expect(refusal(answer)).toBe('400 request.invalid');
      return ((answer.body as { errors?: { field: string }[] }).errors ?? []).map(({ field }) => field).sort();
    };
    expect(await fields('/point-ledger/v1/funds', operator, { ...FUND, amountPoints: '1', colour: 'red' })).toEqual([
      'amountPoints',
      'colour',
    ]);
    expect(await fields('/identity/v1/sessions', undefined, { challengeId: 1 })).toEqual([
      'certificate',
      'challengeId',
      'signature',
    ]);
    expect(await fields(`/campaign/v1/campaigns/${UNKNOWN_ID}/claims`, citizen, {})).toEqual(['measureId']);
    expect(await fields('/service-link/v1/links', citizen, { providerId: 'sim-pay', securityCode: '' })).toEqual([
      'providerAccountId',
      'securityCode',
    ]);
    expect(await fields('/exchange/v1/exchanges', citizen, { linkId: UNKNOWN_ID, points: 1.5 })).toEqual(['points']);
    const backwards = { providerId: 'sim-pay', from: '2026-11-02', to: '2026-11-01' };
    expect(await fields('/settlement/v1/settlements', finance, backwards)).toEqual(['to']);
    for (const query of ['limit=0', 'limit=201', 'limit=x', 'cursor=*', 'colour=red']) {
      const answer = await platform.api.call('GET', `/point-ledger/v1/funds?${query}`, { token: operator });
      expect(refusal(answer)).toBe('400 request.invalid');
    }
  });

  it('413, 415, 404 and 405 for what cannot be taken at all', async () => {
    const headers = { authorization: `Bearer ${operator}`, 'idempotency-key': randomUUID() };
    const json = { ...headers, 'content-type': 'application/json' };
    const long = await send('POST', '/point-ledger/v1/funds', { headers: json, body: ' '.repeat(65_537) });
    expect(refusal(long)).toBe('413 request.too_large');
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const sent = { headers: { ...headers, 'content-type': type }, body: JSON.stringify(FUND) };
      expect(refusal(await send('POST', '/point-ledger/v1/funds', sent))).toBe('415 request.unsupported_media_type');
    }
    expect(refusal(await send('GET', '/point-ledger/v1/purses', { headers }))).toBe('404 request.not_found');
    expect(refusal(await send('GET', '/nowhere', {}))).toBe('404 request.not_found');
    const wrongMethod = await send('PATCH', '/point-ledger/v1/funds', { headers });
    expect(refusal(wrongMethod)).toBe('405 request.method_not_allowed');
    expect(wrongMethod.headers.get('allow')).toMatch(/POST/);
    expect(wrongMethod.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(wrongMethod.body.traceId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('the Idempotency-Key: required, printable, the same answer again, another body refused', async () => {
    const post = (body: unknown, idempotencyKey: string, token = operator, path = '/point-ledger/v1/funds') =>
      platform.api.call<{ fundId: string }>('POST', path, { token, body, idempotencyKey });
    for (const wrong of [undefined, '', 'x'.repeat(256), 'caf\u00e9']) {
      expect(await rawPost(wrong)).toBe('400 request.idempotency_key_required');
    }
    const idempotencyKey = randomUUID();
    const first = await post(FUND, idempotencyKey);
    expect(first.status).toBe(201);
    const { name, ...rest } = FUND;
    expect(await post({ ...rest, name }, idempotencyKey)).toEqual(first);
    const other = await post({ ...FUND, amountPoints: 2_000 }, idempotencyKey);
    expect(refusal(other)).toBe('422 request.idempotency_key_reused');
    // The key's scope is the caller, the method and the path.
    const another = await post(FUND, idempotencyKey, await people.staff('operator', { subject: 'second' }));
    expect(another.status).toBe(201);
    expect(another.body.fundId).not.toBe(first.body.fundId);
    const raise = await post(
      { amountPoints: 1 },
      idempotencyKey,
      operator,
      `/point-ledger/v1/funds/${first.body.fundId}/raises`,
    );
    expect(raise).toMatchObject({ status: 201, body: { fundId: first.body.fundId, committedPoints: 1_001 } });
  });

  it("another owner's staff find nothing of ours, 404, and their lists are theirs alone", async () => {
    const theirs = { ownerId: 'other-city' };
    const [stranger, auditor] = [await people.staff('operator', theirs), await people.staff('auditor', theirs)];
    const fund = await platform.api.expect<{ fundId: string }>(201, 'POST', '/point-ledger/v1/funds', {
      token: operator,
      body: FUND,
    });
    const nowMs = await people.nowMs();
    const campaign = await platform.api.expect<{ campaignId: string }>(201, 'POST', '/campaign/v1/campaigns', {
      token: operator,
      body: {
        name: 'Campaign',
        opensAt: isoTime(nowMs),
        closesAt: isoTime(nowMs + HOUR_MS),
        measures: [{ name: 'Measure', amountPoints: 1, fundId: fund.fundId }],
      },
    });
    const refused = async (method: string, path: string, token: string, body?: unknown) =>
      refusal(await platform.api.call(method, path, { token, ...(body !== undefined && { body }) }));
    const fundPath = `/point-ledger/v1/funds/${fund.fundId}`;
    expect(await refused('GET', fundPath, stranger)).toBe('404 request.not_found');
    expect(await refused('GET', fundPath, auditor)).toBe('404 request.not_found');
    expect(await refused('POST', `${fundPath}/raises`, stranger, { amountPoints: 1 })).toBe('404 request.not_found');
    for (const turn of ['open', 'pause', 'resume', 'close', 'claim-reopenings']) {
      const path = `/campaign/v1/campaigns/${campaign.campaignId}/${turn}`;
      expect(await refused('POST', path, stranger)).toBe('404 request.not_found');
    }
    const list = await platform.api.expect<{ funds: unknown[] }>(200, 'GET', '/point-ledger/v1/funds', {
      token: stranger,
    });
    expect(list.funds).toEqual([]);
    const balance = await platform.api.expect<{ rows: unknown[] }>(200, 'GET', '/point-ledger/v1/trial-balance', {
      token: auditor,
    });
    expect(balance.rows).toEqual([]);
    // A public GET is for all.
    await platform.api.expect(200, 'GET', `/campaign/v1/campaigns/${campaign.campaignId}`);
  });

  /** node:http sends any byte of Latin-1 in a header; fetch would refuse some. */
  function rawPost(idempotencyKey: string | undefined): Promise<string> {
    const headers = {
      authorization: `Bearer ${operator}`,
      'content-type': 'application/json',
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    };
    return new Promise((resolve, reject) => {
      request(`${platform.api.baseUrl}/point-ledger/v1/funds`, { method: 'POST', headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve(refusal({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString()) })),
        );
      })
        .on('error', reject)
        .end(JSON.stringify(FUND));
    });
  }

  async function strangersToken(role: Role): Promise<string> {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const issuedAt = Math.floor((await people.nowMs()) / 1_000);
    return new SignJWT({ role, ownerId: 'demo' })
      .setProtectedHeader({
        alg: 'RS256',
        typ: 'at+jwt',
        kid: (await key('staff')).kid,
        jwk: await exportJWK(publicKey),
      })
      .setIssuer('tsunagu')
      .setAudience('tsunagu')
      .setSubject('operator')
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + 600)
      .sign(privateKey);
  }

  it('refuses nobody while a key is changed, not even a token by the new key that nobody has seen', async () => {
    const account = async () => {
      const signingKey = await key('citizen');
      const token = await tokenBy(signingKey, 'citizen', UNKNOWN_ID);
      return {
        kid: signingKey.kid,
        status: (await platform.api.call('GET', '/point-ledger/v1/accounts/me', { token })).status,
      };
    };
    const callers = Array.from({ length: 8 }, async (_, caller) => {
      const seen = [];
      for (let call = 0; call < 40; call += 1) {
        seen.push(await account());
        // Without the minute in which a new key is only shown: harder than it ever is.
        if (caller === 0 && call === 10)
          await rotateKey(people.directory.keys, 'citizen', 'RS256', Date.now() - shownFirstMs);
      }
      return seen;
    });
    const seen = (await Promise.all(callers)).flat();
    expect(seen.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(seen.map(({ kid }) => kid))).toEqual(new Set(['citizen-1', 'citizen-2']));
  });
});
