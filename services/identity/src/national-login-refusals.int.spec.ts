import type { LoginMode } from '@tsunagu/testing/login';
import { erasersOf } from './test-erasure.js';
import { startTestIdentity } from './test-identity.js';
import { startTestNationalLogin, type TestNationalLogin } from './test-national-login.js';

let at: TestNationalLogin;
beforeAll(async () => {
  at = await startTestNationalLogin();
});
afterAll(() => at.close());
afterEach(() => {
  at.login.mode = { outage: 'none', idToken: 'good' };
});

const codeOf = async (answer: ReturnType<TestNationalLogin['signIn']>) => {
  const { status, body } = await answer;
  return [status, body.code];
};
const eventCount = async () => (await at.identity.service.log.readLog({ after: 0, limit: 1_000_000 })).events.length;
/** A login on the way back: begun, and approved. */
const returning = async (token?: string) => {
  const { body } = await at.begin(token);
  return { loginId: body.loginId, returned: await at.login.authorize(body.authorizationUrl, at.login.account()) };
};

describe('a login is refused', () => {
  const claim = 'OAUTH_JWT_CLAIM_COMPARISON_FAILED';
  const form = 'OAUTH_INVALID_RESPONSE';
  it.each<[LoginMode['idToken'], string]>([
    ['nonce', claim],
    ['issuer', claim],
    ['audience', claim],
    ['subject', 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED'],
    ['expired', 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED'],
    ['algorithm', form],
    ['unsigned', form],
    ['key', form],
    ['none', form],
  ])('for an ID token with a wrong %s, and nobody is registered', async (idToken, reason) => {
    const before = await eventCount();
    at.login.mode.idToken = idToken;
    expect(await codeOf(at.signIn(at.login.account()))).toEqual([401, 'identity.login_invalid']);
    expect(at.identity.service.logLines.findLast(({ msg }) => msg === 'a national login was refused')).toMatchObject({
      reason,
    });
    expect(await eventCount()).toBe(before);
  });

  it('a second time, and for a code that was used for another login', async () => {
    const first = await returning();
    expect((await at.complete(first.loginId, first.returned)).status).toBe(201);
    expect(await codeOf(at.complete(first.loginId, first.returned))).toEqual([401, 'identity.login_used']);
    const second = await returning();
    const replayed = { ...second.returned, code: first.returned.code ?? '' };
    expect(await codeOf(at.complete(second.loginId, replayed))).toEqual([401, 'identity.login_invalid']);
    expect(await codeOf(at.complete(second.loginId, second.returned))).toEqual([401, 'identity.login_used']);
  });

  it('for one of two completions at the same moment', async () => {
    const { loginId, returned } = await returning();
    const codes = await Promise.all([1, 2].map(() => codeOf(at.complete(loginId, returned))));
    expect(codes.sort()).toEqual([
      [201, undefined],
      [401, 'identity.login_used'],
    ]);
  });

  it('for a foreign state, which uses nothing up', async () => {
    const mine = await returning();
    const theirs = await returning();
    const mixed = { ...mine.returned, state: theirs.returned.state ?? '' };
    expect(await codeOf(at.complete(mine.loginId, mixed))).toEqual([401, 'identity.login_invalid']);
    expect((await at.complete(mine.loginId, mine.returned)).status).toBe(201);
  });

  it('for a code that somebody else got, by PKCE, and for one of another client', async () => {
    const mine = await returning();
    const theirs = await returning();
    const injected = { ...mine.returned, code: theirs.returned.code ?? '' };
    expect(await codeOf(at.complete(mine.loginId, injected))).toEqual([401, 'identity.login_invalid']);
    const { body } = await at.begin();
    const url = new URL(body.authorizationUrl);
    url.searchParams.set('client_id', 'another-client');
    const returned = await at.login.authorize(url.href, at.login.account());
    expect(await codeOf(at.complete(body.loginId, returned))).toEqual([401, 'identity.login_invalid']);
  });

  it('for an answer of another issuer, or of none though the login names itself (RFC 9207)', async () => {
    for (const change of [{ iss: 'https://login.invalid' }, { iss: undefined }]) {
      const { loginId, returned } = await returning();
      const changed = JSON.parse(JSON.stringify({ ...returned, ...change }));
      expect(await codeOf(at.complete(loginId, changed))).toEqual([401, 'identity.login_invalid']);
    }
  });

  it('after ten minutes, and when it is not known', async () => {
    const { loginId, returned } = await returning();
    at.identity.service.clock.forward(600_000);
    expect(await codeOf(at.complete(loginId, returned))).toEqual([401, 'identity.login_expired']);
    for (const unknown of ['019ab3f0-6c00-7000-8000-000000000001', 'x']) {
      expect(await codeOf(at.complete(unknown, returned))).toEqual([401, 'identity.login_expired']);
    }
  });

  it('in another session than the one that began it', async () => {
    const session = async () => (await at.identity.session(await at.identity.card())).body.accessToken;
    const token = await session();
    const [joining, plain] = [await returning(token), await returning()];
    for (const other of [undefined, await session()]) {
      expect(await codeOf(at.complete(joining.loginId, joining.returned, other))).toEqual([
        401,
        'identity.login_invalid',
      ]);
    }
    expect(await codeOf(at.complete(plain.loginId, plain.returned, token))).toEqual([401, 'identity.login_invalid']);
    expect((await at.complete(joining.loginId, joining.returned, token)).status).toBe(201);
    const path = '/identity/v1/national-login';
    const unasked = await at.identity.service.call('POST', path, { body: {}, token });
    const returned = await at.login.authorize(unasked.body.authorizationUrl, at.login.account());
    expect(await codeOf(at.complete(unasked.body.loginId, returned, token))).toEqual([401, 'identity.login_invalid']);
    const nobody = at.identity.service.call('POST', path, { body: { join: true } });
    expect(await codeOf(nobody)).toEqual([401, 'auth.token_invalid']);
  });

  it('to staff and kiosks, with a session that was ended, and in another form', async () => {
    const kiosk = await at.identity.service.token({ role: 'kiosk' });
    expect(await codeOf(at.begin(kiosk))).toEqual([403, 'auth.role_required']);
    const { loginId, returned } = await returning();
    expect(await codeOf(at.complete(loginId, returned, kiosk))).toEqual([403, 'auth.role_required']);
    expect(await codeOf(at.complete(loginId, { ...returned, session: 'x' }))).toEqual([400, 'request.invalid']);
    expect(await codeOf(at.complete(loginId, { state: 'x' }))).toEqual([400, 'request.invalid']);
  });
});

describe('while the login is down', () => {
  const outage = async (which: LoginMode['outage'], act: () => ReturnType<TestNationalLogin['signIn']>) => {
    at.login.mode.outage = which;
    const { status, body, headers } = await act();
    at.login.mode.outage = 'none';
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(10);
    return [status, body.code];
  };
  const unavailable = [503, 'identity.login_unavailable'];

  it.each(['down', 'token'] as const)(
    '(%s) a completion is answered 503, and the same one goes through afterwards',
    async (which) => {
      const before = await eventCount();
      const { loginId, returned } = await returning();
      expect(await outage(which, () => at.complete(loginId, returned))).toEqual(unavailable);
      expect(await eventCount()).toBe(before);
      expect((await at.complete(loginId, returned)).status).toBe(201);
    },
  );

  it('behind the code exchange, nobody is registered, and the same completion goes through afterwards, once', async () => {
    const before = await eventCount();
    const { loginId, returned } = await returning();
    expect(await outage('me', () => at.complete(loginId, returned))).toEqual(unavailable);
    expect(await outage('me', () => at.complete(loginId, returned))).toEqual(unavailable);
    expect(await eventCount()).toBe(before);
    expect((await at.complete(loginId, returned)).status).toBe(201);
    expect(await codeOf(at.complete(loginId, returned))).toEqual([401, 'identity.login_used']);

    const second = await returning();
    expect(await outage('me', () => at.complete(second.loginId, second.returned))).toEqual(unavailable);
    const other = { ...second.returned, code: 'another' };
    expect(await codeOf(at.complete(second.loginId, other))).toEqual([401, 'identity.login_invalid']);
  });

  it('from the start, no login begins, and cards go on', async () => {
    const fresh = await startTestNationalLogin();
    try {
      fresh.login.mode.outage = 'down';
      expect(await codeOf(fresh.begin())).toEqual(unavailable);
      expect((await fresh.identity.session(await fresh.identity.card())).status).toBe(201);
      fresh.login.mode.outage = 'none';
      const begun = (await fresh.begin()).body;
      const returned = await fresh.login.authorize(begun.authorizationUrl, fresh.login.account());
      fresh.login.mode.outage = 'jwks';
      expect(await codeOf(fresh.complete(begun.loginId, returned))).toEqual(unavailable);
    } finally {
      await fresh.close();
    }
  });
});

describe('where no login is set', () => {
  it('its paths are not there', async () => {
    const plain = await startTestIdentity();
    try {
      const base = '/identity/v1/national-login';
      const begun = plain.service.call('POST', base, { body: {} });
      expect(await codeOf(begun)).toEqual([404, 'request.not_found']);
      for (const path of [base, `${base}/jwks.json`]) {
        expect(await codeOf(plain.service.call('GET', path))).toEqual([404, 'request.not_found']);
      }
    } finally {
      await plain.close();
    }
  });
});

describe('a login of somebody who was erased', () => {
  it('opens nothing, alone or in a session of somebody else, and a session of theirs joins none', async () => {
    const account = at.login.account();
    const { body } = await at.signIn(account);
    const other = await at.identity.citizen();
    const staff = erasersOf(at.identity);
    expect((await staff.erase(body.person.personId)).body.state).toBe('done');
    const before = await eventCount();
    expect(await codeOf(at.signIn(account))).toEqual([409, 'identity.erased']);
    expect(await codeOf(at.signIn(account, other.token))).toEqual([409, 'identity.erased']);
    // Another process may take their token for some moments yet.
    const late = await at.identity.service.token({ role: 'citizen', subject: body.person.personId });
    expect(await codeOf(at.signIn(at.login.account(), late))).toEqual([409, 'identity.erased']);
    expect(await eventCount()).toBe(before);
  });
});
