import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { tokenAudience } from '@tsunagu/service-host';
import type { TestAnswer } from '@tsunagu/service-host/testing';
import { type JWTPayload, SignJWT } from 'jose';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

describe('machines', () => {
  let identity: TestIdentity;
  let operator: string;
  let registered = 0;
  beforeAll(async () => {
    identity = await startTestIdentity();
    operator = await identity.service.token({ role: 'operator' });
  });
  afterAll(() => identity.close());

  const pair = (kid = 'k1', type: 'ec' | 'rsa' | 'ed25519' = 'ec') => {
    const { privateKey, publicKey } =
      type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : type === 'rsa'
          ? generateKeyPairSync('rsa', { modulusLength: 2048 })
          : generateKeyPairSync('ed25519');
    return { kid, privateKey, jwk: { ...(publicKey.export({ format: 'jwk' }) as Record<string, string>), kid } };
  };
  const call = (method: string, path: string, body?: unknown, token = operator) =>
    identity.service.call(method, `/identity/v1/clients${path}`, {
      token,
      ...(body !== undefined && { body }),
      headers: { 'idempotency-key': randomUUID() },
    });
  const register = async (keys: readonly object[], role = 'partner') => {
    registered += 1;
    const clientId = `pay-${registered}`;
    const answer = await call('POST', '', { clientId, role, keys });
    expect(answer.status).toBe(201);
    return clientId;
  };
  const assertion = (
    clientId: string,
    key: { kid: string; privateKey: KeyObject },
    { alg = 'ES256', ...claims }: Record<string, unknown> & { alg?: string } = {},
  ) => {
    const now = Math.floor(identity.service.clock.now() / 1_000);
    const payload = { iss: clientId, sub: clientId, aud: tokenAudience, exp: now + 60, jti: randomUUID(), ...claims };
    return new SignJWT(payload as JWTPayload).setProtectedHeader({ alg, kid: key.kid }).sign(key.privateKey);
  };
  const ask = (client_assertion: string, more: Record<string, string> = {}): Promise<TestAnswer> =>
    identity.service.call('POST', '/identity/v1/token', {
      rawBody: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: assertionType,
        client_assertion,
        ...more,
      }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });

  it.each([
    ['P-256', 'ec', 'ES256'],
    ['RSA', 'rsa', 'RS256'],
    ['RSA with PSS', 'rsa', 'PS256'],
    ['Ed25519', 'ed25519', 'EdDSA'],
  ] as const)('gets a token by signing for it with %s, as a partner of its owner', async (_, type, alg) => {
    const key = pair('k1', type);
    const clientId = await register([key.jwk]);
    const answer = await ask(await assertion(clientId, key, { alg }));
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 900 } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const claims = JSON.parse(Buffer.from(answer.body.access_token.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({ sub: clientId, role: 'partner', ownerId: 'demo' });
    // Known to the platform, and no operator.
    expect(await call('GET', '', undefined, answer.body.access_token)).toMatchObject({
      status: 403,
      body: { code: 'auth.role_required' },
    });
  });

  it('of a provider gets tokens that name it; no other machine speaks for a provider', async () => {
    const key = pair();
    const body = { clientId: 'first-pay-server', role: 'partner', keys: [key.jwk], providerId: 'first-pay' };
    expect(await call('POST', '', body)).toMatchObject({ status: 201, body: { providerId: 'first-pay' } });
    const claimsOf = async (clientId: string) => {
      const { access_token } = (await ask(await assertion(clientId, key))).body;
      return JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url').toString());
    };
    expect(await claimsOf(body.clientId)).toMatchObject({ role: 'partner', ownerId: 'demo', provider: 'first-pay' });
    await call('PUT', `/${body.clientId}/keys`, { keys: [key.jwk, pair('k2').jwk] });
    expect((await claimsOf(body.clientId)).provider).toBe('first-pay');
    expect(await claimsOf(await register([key.jwk]))).not.toHaveProperty('provider');
    // What the owner's other machines see is not the provider's.
    const token = (await ask(await assertion(body.clientId, key))).body.access_token;
    for (const path of ['membership-feed?service=library', 'member-services/library'])
      expect(await identity.service.call('GET', `/identity/v1/${path}`, { token })).toMatchObject({
        status: 403,
        body: { code: 'auth.role_required' },
      });
    for (const wrong of [{ role: 'kiosk' }, { role: 'auditor' }, { providerId: 'First Pay' }, { providerId: '' }])
      expect(await call('POST', '', { ...body, clientId: 'never-made', ...wrong })).toMatchObject({
        status: 400,
        body: { code: 'request.invalid', errors: [{ field: 'providerId' }] },
      });
    expect((await call('GET', '/never-made')).status).toBe(404);
  });

  it('takes an assertion once, and one of the same id under another signature not either', async () => {
    const key = pair();
    const clientId = await register([key.jwk]);
    const jti = randomUUID();
    const same = await assertion(clientId, key, { jti });
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(same)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(401)]);
    expect(await ask(await assertion(clientId, key, { jti }))).toMatchObject({
      status: 401,
      body: { code: 'identity.client_invalid', detail: 'The assertion was used before.' },
    });
  });

  it('refuses every assertion that is not exactly what it must be', async () => {
    const key = pair();
    const rsa = pair('r1', 'rsa');
    const clientId = await register([key.jwk, rsa.jwk]);
    const other = await register([pair().jwk]);
    const now = Math.floor(identity.service.clock.now() / 1_000);
    const wrong: Record<string, string> = {
      'a stranger`s key': await assertion(clientId, pair()),
      'an unknown kid': await assertion(clientId, { ...key, kid: 'k9' }),
      'a key under another kid': await assertion(clientId, { ...key, kid: 'r1' }),
      'another client`s name': await assertion(other, key),
      'no client`s name': await assertion('nobody-here', key),
      'another subject': await assertion(clientId, key, { sub: other }),
      'another audience': await assertion(clientId, key, { aud: 'elsewhere' }),
      'no end': await assertion(clientId, key, { exp: undefined }),
      'run out': await assertion(clientId, key, { exp: now - 31 }),
      'a long life': await assertion(clientId, key, { exp: now + 400 }),
      'no id': await assertion(clientId, key, { jti: undefined }),
      'not yet good': await assertion(clientId, key, { nbf: now + 60 }),
      unsigned: `${(await assertion(clientId, key)).split('.').slice(0, 2).join('.')}.`,
      garbage: 'garbage',
    };
    for (const [what, text] of Object.entries(wrong)) {
      expect([what, await ask(text)]).toMatchObject([what, { status: 401, body: { code: 'identity.client_invalid' } }]);
    }
    expect((await ask(await assertion(clientId, key), { client_id: other })).status).toBe(401);
    expect((await ask(await assertion(clientId, key), { client_id: clientId })).status).toBe(200);
  });

  it('takes a form or JSON, and names what is missing', async () => {
    const key = pair();
    const clientId = await register([key.jwk]);
    const json = { grant_type: 'client_credentials', client_assertion_type: assertionType };
    const body = { ...json, client_assertion: await assertion(clientId, key) };
    expect((await identity.service.call('POST', '/identity/v1/token', { body })).status).toBe(200);
    expect(await identity.service.call('POST', '/identity/v1/token', { body: json })).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', errors: [{ field: 'client_assertion' }] },
    });
    const twice = {
      rawBody: 'grant_type=a&grant_type=b',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    };
    expect((await identity.service.call('POST', '/identity/v1/token', twice)).status).toBe(400);
    expect((await identity.service.call('POST', '/identity/v1/challenges', twice)).status).toBe(415);
  });

  it('changes its key without a moment without one', async () => {
    const [before, after] = [pair('k1'), pair('k2')];
    const clientId = await register([before.jwk]);
    const works = async (key: ReturnType<typeof pair>) => (await ask(await assertion(clientId, key))).status === 200;
    expect([await works(before), await works(after)]).toEqual([true, false]);
    expect((await call('PUT', `/${clientId}/keys`, { keys: [before.jwk, after.jwk] })).status).toBe(200);
    expect([await works(before), await works(after)]).toEqual([true, true]);
    await call('PUT', `/${clientId}/keys`, { keys: [after.jwk] });
    expect([await works(before), await works(after)]).toEqual([false, true]);
  });

  it('gets no token once it is disabled, for good', async () => {
    const key = pair();
    const clientId = await register([key.jwk]);
    for (let time = 0; time < 2; time += 1) {
      expect(await call('POST', `/${clientId}/disable`, {})).toMatchObject({
        status: 200,
        body: { state: 'disabled' },
      });
    }
    expect((await ask(await assertion(clientId, key))).status).toBe(401);
    expect(await call('PUT', `/${clientId}/keys`, { keys: [key.jwk] })).toMatchObject({
      status: 409,
      body: { code: 'identity.client_disabled' },
    });
    expect(await call('POST', '', { clientId, role: 'partner', keys: [key.jwk] })).toMatchObject({
      status: 409,
      body: { code: 'identity.client_exists' },
    });
  });

  it('belongs to its owner: another`s staff see nothing of it', async () => {
    const clientId = await register([pair().jwk]);
    const stranger = await identity.service.token({ role: 'operator', ownerId: 'elsewhere' });
    expect((await call('GET', `/${clientId}`, undefined, stranger)).status).toBe(404);
    expect((await call('POST', `/${clientId}/disable`, {}, stranger)).status).toBe(404);
    expect((await call('PUT', `/${clientId}/keys`, { keys: [pair().jwk] }, stranger)).status).toBe(404);
    await identity.service.waitForProjections();
    const ids = async (token: string) =>
      (await call('GET', '', undefined, token)).body.clients.map((client: { clientId: string }) => client.clientId);
    expect(await ids(operator)).toContain(clientId);
    expect(await ids(stranger)).toEqual([]);
  });

  it('registers public keys that are taken, each under a name of its own', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' });
    const ours = pair();
    const secret = ours.privateKey.export({ format: 'jwk' });
    const answers = [
      [{ ...small, kid: 'k' }],
      [{ ...curve, kid: 'k' }],
      [{ ...secret, kid: 'k' }],
      [{ kid: 'k', kty: 'RSA', n: 'AQAB', e: 'AQAB' }],
      [ours.jwk, ours.jwk],
      [],
    ].map((keys) => call('POST', '', { clientId: 'never-made', role: 'partner', keys }));
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    }
    for (const role of ['operator', 'finance', 'citizen', 'service', 'support']) {
      expect((await call('POST', '', { clientId: 'never-made', role, keys: [ours.jwk] })).status).toBe(400);
    }
    expect((await call('GET', '/never-made')).status).toBe(404);
  });
});
