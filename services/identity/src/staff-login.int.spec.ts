import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { startTestStaffLogin, type TestStaffLogin } from './test-staff-login.js';

const both = { groups: ['everyone', 'points-operators', 'points-finance'], org: 'city-13' };

let at: TestStaffLogin;
beforeAll(async () => {
  at = await startTestStaffLogin('production');
});
afterAll(() => at.close());

const signedIn = async (claims: object, role: string, accountId = at.login.account(claims)) => {
  const { status, body } = await at.signIn(accountId, role);
  expect([status, body]).toEqual([201, expect.anything()]);
  return body as { accessToken: string; sessionId: string; subject: string; role: string; ownerId: string };
};
const list = async (token: string) => {
  const { status, body } = await at.identity.service.call('GET', '/identity/v1/staff-sessions', { token });
  expect(status).toBe(200);
  return body.sessions as { sessionId: string; subject: string; role: string; current: boolean }[];
};
const end = async (sessionId: string, token: string) =>
  (await at.identity.service.call('DELETE', `/identity/v1/staff-sessions/${sessionId}`, { token })).status;
const isOpen = async (token: string) =>
  (await at.identity.service.call('GET', '/identity/v1/staff-sessions', { token })).status === 200;

describe('a staff login', () => {
  it('is offered by name, begins at the login, and ends in a session of one role', async () => {
    const offer = await at.identity.service.call('GET', '/identity/v1/staff-logins');
    expect([offer.status, offer.body]).toEqual([200, { name: 'Test staff login' }]);
    const begun = await at.begin('operator');
    expect([begun.status, Object.keys(begun.body).sort()]).toEqual([201, ['authorizationUrl', 'expiresAt', 'loginId']]);
    expect(Object.fromEntries(new URL(begun.body.authorizationUrl).searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'tsunagu-staff',
      scope: 'openid staff',
      code_challenge_method: 'S256',
    });
    const returned = await at.login.authorize(begun.body.authorizationUrl, at.login.account(both));
    const done = await at.complete(begun.body.loginId, returned);
    expect([done.status, done.body]).toEqual([
      201,
      {
        accessToken: expect.any(String),
        tokenType: 'Bearer',
        expiresAt: expect.any(String),
        sessionId: expect.any(String),
        subject: expect.stringMatching(/^[\w-]{43}$/),
        role: 'operator',
        ownerId: 'tokyo',
      },
    ]);
    const { sub, role, ownerId, exp, iat } = decodeJwt(done.body.accessToken);
    expect({ sub, role, ownerId }).toEqual({ sub: done.body.subject, role: 'operator', ownerId: 'tokyo' });
    expect(Number(exp) - Number(iat)).toBe(8 * 3_600);
    expect(Date.parse(done.body.expiresAt)).toBe(Number(exp) * 1_000);
  });

  it('lets an operator act, and the log names the actor by a keyed hash alone', async () => {
    const account = at.login.account(both);
    const { accessToken: token, subject } = await signedIn(both, 'operator', account);
    const { publicKey } = generateKeyPairSync('ed25519');
    const made = await at.identity.service.call('POST', '/identity/v1/clients', {
      token,
      headers: { 'idempotency-key': randomUUID() },
      body: { clientId: 'till-1', role: 'kiosk', keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1' }] },
    });
    expect([made.status, made.body]).toEqual([201, expect.anything()]);
    const { rows } = await at.identity.service.pool.query('select * from events');
    const sessions = await at.identity.service.pool.query('select * from staff_sessions');
    expect(JSON.stringify(rows)).toContain(`staff:${subject}`);
    const seen = JSON.stringify([rows, sessions.rows, at.identity.service.logLines]);
    expect([account, 'points-operators', 'city-13'].filter((each) => seen.includes(each))).toEqual([]);
  });

  it('makes one actor of one person in every role, and another of every other person', async () => {
    const account = at.login.account(both);
    const [operator, finance] = [await signedIn(both, 'operator', account), await signedIn(both, 'finance', account)];
    expect([operator.role, finance.role]).toEqual(['operator', 'finance']);
    expect(finance.subject).toBe(operator.subject);
    expect((await signedIn(both, 'finance')).subject).not.toBe(operator.subject);
  });
});

describe('sessions of staff', () => {
  it('are listed and ended by whoever has them', async () => {
    const claims = { groups: ['points-desk', 'points-finance'], org: 'city-13' };
    const account = at.login.account(claims);
    const first = await signedIn(claims, 'support', account);
    at.identity.service.clock.forward(60_000);
    const second = await signedIn(claims, 'finance', account);
    const stranger = await signedIn(claims, 'finance');
    const listed = await list(first.accessToken);
    expect(listed.map(({ sessionId, role, current }) => [sessionId, role, current])).toEqual([
      [second.sessionId, 'finance', false],
      [first.sessionId, 'support', true],
    ]);
    expect(JSON.stringify(listed)).not.toContain(decodeJwt(first.accessToken).jti);
    for (const sessionId of [stranger.sessionId, '019ab3f0-6c00-7000-8000-000000000001', 'x']) {
      expect(await end(sessionId, first.accessToken)).toBe(404);
    }
    expect([await end(second.sessionId, first.accessToken), await isOpen(second.accessToken)]).toEqual([204, false]);
    expect(await end(second.sessionId, first.accessToken)).toBe(204);
    expect([await end('current', first.accessToken), await isOpen(first.accessToken)]).toEqual([204, false]);
    expect(await isOpen(stranger.accessToken)).toBe(true);
  });

  it('are seen and ended by an operator for their own owner alone', async () => {
    const left = await signedIn({ groups: 'points-finance', org: 'city-27' }, 'finance');
    const osaka = await signedIn({ groups: 'points-operators', org: 'city-27' }, 'operator');
    const tokyo = await signedIn(both, 'operator');
    const seen = (await list(osaka.accessToken)).map(({ sessionId }) => sessionId);
    expect(seen.sort()).toEqual([left.sessionId, osaka.sessionId].sort());
    expect([await end(left.sessionId, tokyo.accessToken), await isOpen(left.accessToken)]).toEqual([404, true]);
    expect([await end(left.sessionId, osaka.accessToken), await isOpen(left.accessToken)]).toEqual([204, false]);
    expect((await list(osaka.accessToken)).map(({ sessionId }) => sessionId)).toEqual([osaka.sessionId]);
  });

  it('are told to the other services when they end, and run out by themselves after eight hours', async () => {
    const service = await at.identity.service.token({ role: 'service', subject: 'campaign' });
    const ask = (after: number, wait: number) =>
      at.identity.service.call('GET', `/identity/internal/v1/ended-sessions?after=${after}&wait=${wait}`, {
        token: service,
      });
    const { accessToken } = await signedIn(both, 'operator');
    const heard = ask((await ask(0, 0)).body.through, 5);
    expect(await end('current', accessToken)).toBe(204);
    expect((await heard).body.tokenIds).toEqual([decodeJwt(accessToken).jti]);
    const { accessToken: kept } = await signedIn(both, 'operator');
    at.identity.service.clock.forward(8 * 3_600_000 - 5_000);
    expect(await isOpen(kept)).toBe(true);
    at.identity.service.clock.forward(5_000);
    expect(await isOpen(kept)).toBe(false);
  });

  it('are for staff alone', async () => {
    const kiosk = await at.identity.service.token({ role: 'kiosk', ownerId: 'tokyo' });
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', '/current'],
      ['DELETE', '/019ab3f0-6c00-7000-8000-000000000001'],
    ] as const) {
      const asked = await at.identity.service.call(method, `/identity/v1/staff-sessions${path}`, { token: kiosk });
      expect([asked.status, asked.body.code]).toEqual([403, 'auth.role_required']);
      expect((await at.identity.service.call(method, `/identity/v1/staff-sessions${path}`)).status).toBe(401);
    }
  });
});
