import { startTestNationalLogin, type TestNationalLogin } from './test-national-login.js';

const person = { name: '秘密花子', address: '東京都中央区銀座1-2-3', birthdate: '1987-12-13', gender: 'female' };

let at: TestNationalLogin;
beforeAll(async () => {
  at = await startTestNationalLogin();
});
afterAll(() => at.close());

describe('a national login', () => {
  it('is offered by name, begins at the login, and ends in a session', async () => {
    const offer = await at.identity.service.call('GET', '/identity/v1/national-login');
    expect([offer.status, offer.body]).toEqual([200, { name: 'Test login' }]);
    const begun = await at.begin();
    expect([begun.status, Object.keys(begun.body).sort()]).toEqual([
      201,
      ['authorizationUrl', 'expiresAt', 'loginId'],
    ]);
    const leftMs = Date.parse(begun.body.expiresAt) - at.identity.service.clock.now();
    expect(leftMs > 590_000 && leftMs <= 600_000).toBe(true);
    const asked = Object.fromEntries(new URL(begun.body.authorizationUrl).searchParams);
    expect(asked).toMatchObject({
      response_type: 'code',
      client_id: 'tsunagu',
      scope: 'openid name address birthdate gender sign',
      code_challenge_method: 'S256',
    });
    const returned = await at.login.authorize(begun.body.authorizationUrl, at.login.account(person));
    const done = await at.complete(begun.body.loginId, returned);
    expect([done.status, done.body]).toEqual([
      201,
      {
        accessToken: expect.any(String),
        tokenType: 'Bearer',
        expiresAt: expect.any(String),
        person: { personId: expect.any(String), myKeyId: null },
      },
    ]);
  });
});
