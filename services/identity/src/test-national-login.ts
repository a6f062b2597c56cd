import type { TestAnswer } from '@tsunagu/service-host/testing';
import type { Card } from '@tsunagu/testing';
import { SimulatedLogin } from '@tsunagu/testing/login';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

/** identity with a simulated national login beside it, for specs. */
export interface TestNationalLogin {
  readonly identity: TestIdentity;
  readonly login: SimulatedLogin;
  /** `POST national-login`; with a token, to be joined in that session; with `sign`, to be signed by the account's card. */
  begin(token?: string, options?: { sign?: boolean }): Promise<TestAnswer>;
  complete(loginId: string, returned: Readonly<Record<string, string>>, token?: string): Promise<TestAnswer>;
  /** The whole way: begun, approved by the account, completed. */
  signIn(accountId: string, token?: string, options?: { sign?: boolean }): Promise<TestAnswer>;
  close(): Promise<void>;
}

const redirectUri = 'https://app.example/login';

export async function startTestNationalLogin({ signs = true } = {}): Promise<TestNationalLogin> {
  const login = await SimulatedLogin.listen();
  const identity = await startTestIdentity('test', {
    env: {
      TSUNAGU_LOGIN_ISSUER: login.issuer,
      TSUNAGU_LOGIN_NAME: 'Test login',
      TSUNAGU_LOGIN_CLIENT_ID: 'tsunagu',
      TSUNAGU_LOGIN_REDIRECT_URI: redirectUri,
      ...(signs && { TSUNAGU_LOGIN_SIGN_URL: login.signUrl }),
    },
  });
  const { body: jwks } = await identity.service.call('GET', '/identity/v1/national-login/jwks.json');
  login.serve(['tsunagu', 'another-client'].map((clientId) => ({ clientId, redirectUri, jwks })));
  const given = (token: string | undefined) => (token === undefined ? {} : { token });
  const begin: TestNationalLogin['begin'] = (token, { sign } = {}) =>
    identity.service.call('POST', '/identity/v1/national-login', {
      body: { ...(token !== undefined && { join: true }), ...(sign !== undefined && { sign }) },
      ...given(token),
    });
  const complete: TestNationalLogin['complete'] = (loginId, body, token) =>
    identity.service.call('POST', `/identity/v1/national-login/${loginId}/complete`, { body, ...given(token) });
  return {
    identity,
    login,
    begin,
    complete,
    async signIn(accountId, token, options) {
      const { body } = await begin(token, options);
      return complete(body.loginId, await login.authorize(body.authorizationUrl, accountId), token);
    },
    async close() {
      await identity.close();
      await login.close();
    },
  };
}

/** The person of a sign-in that went well. */
export async function personOf(answer: Promise<TestAnswer>): Promise<string> {
  const { status, body } = await answer;
  expect([status, body.code]).toEqual([201, undefined]);
  return body.person.personId;
}

/** The 14 characters that a card's certificate brings along. */
export function stringOf(card: Pick<Card, 'subject'>): string | undefined {
  return /CN=(\w{14})/.exec(card.subject)?.[1];
}
