import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { newId } from '@tsunagu/kernel';
import { SignJWT, UnsecuredJWT } from 'jose';
import type { Role } from './caller.js';
import { thingsDefinition } from './fixture/things.js';
import { loadOrCreateKey } from './keyring.js';
import { startTestService, type TestService } from './test-service.js';

describe('the auth guard', () => {
  let service: TestService;
  const person = newId(1);
  beforeAll(async () => {
    service = await startTestService(thingsDefinition);
  });
  afterAll(() => service.close());

  const mine = (token: string) => service.call('GET', '/campaign/v1/things/mine', { token });

  interface Forgery {
    use?: 'citizen' | 'staff' | 'provider' | 'service-campaign';
    header?: object;
    claims?: object;
    kid?: string;
  }
  /** A token with the platform's own keys, but not what the platform would sign. */
  async function forged({ use = 'citizen', header = {}, claims = {}, kid }: Forgery): Promise<string> {
    const key = await loadOrCreateKey(service.keyDirectory, use, 'RS256');
    const iat = Math.floor(service.clock.now() / 1_000);
    const all = {
      iss: 'tsunagu',
      aud: 'tsunagu',
      sub: person,
      role: 'citizen',
      jti: randomUUID(),
      iat,
      exp: iat + 600,
    };
    return new SignJWT({ ...all, ...claims })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: kid ?? key.kid, ...header })
      .sign(key.privateKey);
  }

  it('says who calls', async () => {
    const answer = await mine(await service.token({ role: 'citizen', subject: person }));
    expect(answer.body).toMatchObject({ subject: person, role: 'citizen', ownerId: null, actor: `person:${person}` });
  });

  it('gives staff without an owner the owner `demo` in the test profile', async () => {
    const token = await service.token({ role: 'operator', subject: 'aoi' });
    const open = await service.call('GET', '/campaign/v1/things/open', { token });
    expect(open.body).toEqual({ caller: 'staff:aoi' });
    const made = await service.call('POST', '/campaign/v1/things', {
      token,
      body: { name: 'x' },
      headers: { 'idempotency-key': 'owner' },
    });
    expect(made.body.ownerId).toBe('demo');
  });

  it('refuses a call without a token, and says which scheme it wants', async () => {
    const answer = await service.call('GET', '/campaign/v1/things/mine');
    expect(answer).toMatchObject({ status: 401, body: { code: 'auth.token_invalid' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="tsunagu"');
  });

  it('refuses the wrong role with 403', async () => {
    const roles: Role[] = ['kiosk', 'support', 'operator', 'finance', 'auditor', 'partner'];
    for (const role of roles) {
      const answer = await mine(await service.token({ role }));
      expect(answer).toMatchObject({ status: 403, body: { code: 'auth.role_required' } });
    }
  });

  it.each<[string, Forgery]>([
    ['of another issuer', { claims: { iss: 'other' } }],
    ['for another audience', { claims: { aud: 'other' } }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['without an id', { claims: { jti: undefined } }],
    ['without an end', { claims: { exp: undefined } }],
    ['of an unknown role', { claims: { role: 'root' } }],
    ['for a subject that is no person', { claims: { sub: 'somebody' } }],
    ['signed by a staff key', { use: 'staff' }],
    ['signed by a service key', { use: 'service-campaign' }],
    ['signed under a kid that is not known', { kid: 'citizen-99' }],
    ['that ran out', { claims: { exp: Math.floor(Date.parse('2026-11-19T00:00:00Z') / 1_000) } }],
    ['issued in the future', { claims: { iat: Math.floor(Date.parse('2026-11-21T00:00:00Z') / 1_000) } }],
  ])('refuses a token %s', async (_, forgery) => {
    const answer = await mine(await forged(forgery));
    expect(answer).toMatchObject({ status: 401, body: { code: 'auth.token_invalid' } });
    expect(answer.headers.get('www-authenticate')).toContain('invalid_token');
  });

  it('takes the word for a provider from a partner’s token alone', async () => {
    const open = async (claims: object) =>
      (
        await service.call('GET', '/campaign/v1/things/open', {
          token: await forged({ use: 'staff', claims: { sub: 'pay-server', ownerId: 'demo', ...claims } }),
        })
      ).status;
    expect(await open({ role: 'partner', provider: 'first-pay' })).toBe(200);
    for (const claims of [
      { role: 'operator', provider: 'first-pay' },
      { role: 'kiosk', provider: 'first-pay' },
      { role: 'partner', provider: ['first-pay', 'second-pay'] },
      { role: 'partner', provider: '' },
    ])
      expect(await open(claims)).toBe(401);
  });

  it('lets the machine of a provider in where providers are meant, and not to what other partners see', async () => {
    const get = async (path: string, providerId?: string) => {
      const token = await service.token({ role: 'partner', ...(providerId && { providerId }) });
      return service.call('GET', `/campaign/v1/things/${path}`, { token });
    };
    expect(await get('partners')).toMatchObject({ status: 200, body: { actor: 'staff:partner' } });
    expect(await get('partners', 'first-pay')).toMatchObject({ status: 403, body: { code: 'auth.role_required' } });
    expect(await get('providers', 'first-pay')).toMatchObject({ status: 200, body: { providerId: 'first-pay' } });
    expect(await get('providers')).toMatchObject({ status: 200, body: { providerId: null } });
    expect((await get('open', 'first-pay')).status).toBe(200);
  });

  it('refuses a service that signs with another service`s key', async () => {
    const claims = { role: 'service', sub: 'identity' };
    const token = await forged({ use: 'service-campaign', claims });
    const answer = await service.call('GET', '/campaign/internal/v1/log', { token });
    expect(answer.status).toBe(401);
  });

  it('refuses unsigned tokens, other algorithms, other people`s keys and what is no token', async () => {
    const unsigned = new UnsecuredJWT({ sub: person, role: 'citizen' }).setIssuer('tsunagu').encode();
    const { publicJwk } = await loadOrCreateKey(service.keyDirectory, 'citizen', 'RS256');
    const hmac = await new SignJWT({ role: 'citizen', sub: person })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'citizen-1' })
      .sign(new TextEncoder().encode(JSON.stringify(publicJwk)));
    const stranger = await new SignJWT({ role: 'citizen', sub: person })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: 'citizen-1' })
      .sign(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
    for (const token of [unsigned, hmac, stranger, 'x', 'a.b.c', `${'a'.repeat(5_000)}.b.c`]) {
      expect((await mine(token)).status).toBe(401);
    }
    for (const authorization of ['Basic eDp5', 'Bearer', 'Bearer a b', '']) {
      const answer = await service.call('GET', '/campaign/v1/things/mine', { headers: { authorization } });
      expect(answer.status).toBe(401);
    }
  });

  it('refuses a token that it has let in before, once the platform`s clock passes its end', async () => {
    const token = await service.token({ role: 'citizen', subject: person, ttlSeconds: 600 });
    expect((await mine(token)).status).toBe(200);
    service.clock.forward(600_000);
    expect((await mine(token)).status).toBe(401);
  });

  it('refuses a token after its log-out, and only that one', async () => {
    const ended = await service.token({ role: 'citizen', subject: person, tokenId: 'session-1' });
    const other = await service.token({ role: 'citizen', subject: person, tokenId: 'session-2' });
    expect((await mine(ended)).status).toBe(200);
    await service.endSession('session-1');
    expect((await mine(ended)).status).toBe(401);
    expect((await mine(other)).status).toBe(200);
  });

  it('refuses a bad token even where none is needed', async () => {
    expect((await service.call('GET', '/campaign/v1/things/open', { token: 'x' })).status).toBe(401);
  });
});

describe('in the production profile', () => {
  it('a staff token must name its owner', async () => {
    const service = await startTestService(thingsDefinition, { profile: 'production' });
    const bare = await service.token({ role: 'operator' });
    const owned = await service.token({ role: 'operator', ownerId: 'shibuya' });
    const path = '/campaign/v1/things/open';
    expect((await service.call('GET', path, { token: bare })).status).toBe(401);
    expect((await service.call('GET', path, { token: owned })).status).toBe(200);
    await service.close();
  });
});
