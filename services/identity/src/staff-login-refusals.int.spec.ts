import type { LoginMode } from '@tsunagu/testing/login';
import { startTestIdentity } from './test-identity.js';
import { startTestStaffLogin, type TestStaffLogin } from './test-staff-login.js';

const operator = { groups: ['points-operators'], org: 'city-13' };
const base = '/identity/v1/staff-logins';

let at: TestStaffLogin;
beforeAll(async () => {
  at = await startTestStaffLogin();
});
afterAll(() => at.close());
afterEach(() => {
  at.login.mode = { outage: 'none', idToken: 'good' };
});

const codeOf = async (answer: ReturnType<TestStaffLogin['signIn']>) => {
  const { status, body } = await answer;
  return [status, body.code];
};
const sessionCount = async () =>
  (await at.identity.service.pool.query<{ n: number }>('select count(*)::int as n from staff_sessions')).rows[0]?.n;
/** A login on the way back: begun, and approved. */
const returning = async (claims: object = operator) => {
  const { body } = await at.begin('operator');
  return { loginId: body.loginId, returned: await at.login.authorize(body.authorizationUrl, at.login.account(claims)) };
};

describe('a staff login is refused', () => {
  const claim = 'OAUTH_JWT_CLAIM_COMPARISON_FAILED';
  const form = 'OAUTH_INVALID_RESPONSE';
  it.each<[LoginMode['idToken'], string]>([
    ['nonce', claim],
    ['issuer', claim],
    ['audience', claim],
    ['expired', 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED'],
    ['algorithm', form],
    ['unsigned', form],
    ['key', form],
    ['none', form],
  ])('for an ID token with a wrong %s, and no session is opened', async (idToken, reason) => {
    const before = await sessionCount();
    at.login.mode.idToken = idToken;
    expect(await codeOf(at.signIn(at.login.account(operator), 'operator'))).toEqual([401, 'identity.login_invalid']);
    const said = at.identity.service.logLines.findLast(({ msg }) => msg === 'a staff login was refused');
    expect(said).toMatchObject({ reason });
    expect(await sessionCount()).toBe(before);
  });

  it.each([
    [{ groups: ['points-finance'], org: 'city-13' }],
    [{ groups: ['operator', 'citizen', 'service'], org: 'city-13' }],
    [{ groups: ['points-operators'] }],
    [{ groups: ['points-operators'], org: 'city-99' }],
    [{ groups: ['points-operators'], org: ['city-13', 'city-27'] }],
    [{}],
  ])('for claims that give no such role or no owner: %j', async (claims) => {
    const before = await sessionCount();
    const refused = await at.signIn(at.login.account(claims), 'operator');
    expect([refused.status, refused.body.code]).toEqual([403, 'identity.staff_not_admitted']);
    expect(refused.body.detail).toEqual(expect.any(String));
    expect(await sessionCount()).toBe(before);
  });

  it('for a role that nobody gets by a login', async () => {
    for (const role of ['citizen', 'kiosk', 'partner', 'service', 'root', '']) {
      expect(await codeOf(at.begin(role))).toEqual([400, 'request.invalid']);
    }
  });

  it('a second time, for a replayed code, a foreign state and another issuer’s answer', async () => {
    const first = await returning();
    expect((await at.complete(first.loginId, first.returned)).status).toBe(201);
    expect(await codeOf(at.complete(first.loginId, first.returned))).toEqual([401, 'identity.login_used']);
    const [second, third, fourth] = [await returning(), await returning(), await returning()];
    const replayed = { ...second.returned, code: first.returned.code ?? '' };
    expect(await codeOf(at.complete(second.loginId, replayed))).toEqual([401, 'identity.login_invalid']);
    const mixed = { ...third.returned, state: second.returned.state ?? '' };
    expect(await codeOf(at.complete(third.loginId, mixed))).toEqual([401, 'identity.login_invalid']);
    expect((await at.complete(third.loginId, third.returned)).status).toBe(201);
    const foreign = { ...fourth.returned, iss: 'https://login.invalid' };
    expect(await codeOf(at.complete(fourth.loginId, foreign))).toEqual([401, 'identity.login_invalid']);
  });

  it('for a code that another client got', async () => {
    const { body } = await at.begin('operator');
    const url = new URL(body.authorizationUrl);
    url.searchParams.set('client_id', 'another-client');
    const returned = await at.login.authorize(url.href, at.login.account(operator));
    expect(await codeOf(at.complete(body.loginId, returned))).toEqual([401, 'identity.login_invalid']);
  });

  it('after ten minutes, and when it is not known', async () => {
    const { loginId, returned } = await returning();
    at.identity.service.clock.forward(600_000);
    expect(await codeOf(at.complete(loginId, returned))).toEqual([401, 'identity.login_expired']);
    for (const unknown of ['019ab3f0-6c00-7000-8000-000000000001', 'x']) {
      expect(await codeOf(at.complete(unknown, returned))).toEqual([401, 'identity.login_expired']);
    }
  });
});

describe('while the staff login is down', () => {
  it.each(['down', 'token'] as const)(
    '(%s) a completion is answered 503, the same one goes through afterwards, and open sessions go on',
    async (outage) => {
      const { accessToken: token } = (await at.signIn(at.login.account(operator), 'operator')).body;
      const { loginId, returned } = await returning();
      at.login.mode.outage = outage;
      const { status, body, headers } = await at.complete(loginId, returned);
      expect([status, body.code]).toEqual([503, 'identity.staff_login_unavailable']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(10);
      expect((await at.identity.service.call('GET', '/identity/v1/staff-sessions', { token })).status).toBe(200);
      at.login.mode.outage = 'none';
      expect((await at.complete(loginId, returned)).status).toBe(201);
    },
  );
});

describe('where no staff login is set', () => {
  it('its paths say so', async () => {
    const plain = await startTestIdentity();
    try {
      const off = [404, 'identity.staff_login_off'];
      expect(await codeOf(plain.service.call('POST', base, { body: { role: 'operator' } }))).toEqual(off);
      expect(await codeOf(plain.service.call('GET', base))).toEqual(off);
      expect(await codeOf(plain.service.call('GET', `${base}/jwks.json`))).toEqual(off);
      const body = { code: 'x', state: 'x' };
      expect(await codeOf(plain.service.call('POST', `${base}/x/complete`, { body }))).toEqual(off);
      const token = await plain.service.token({ role: 'operator' });
      const { status, body: listed } = await plain.service.call('GET', '/identity/v1/staff-sessions', { token });
      expect([status, listed]).toEqual([200, { sessions: [] }]);
    } finally {
      await plain.close();
    }
  });
});
