import type { TestAnswer } from '@tsunagu/service-host/testing';
import { SimulatedLogin } from '@tsunagu/testing/login';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

/** identity with a simulated login of an organisation beside it, for specs. */
export interface TestStaffLogin {
  readonly identity: TestIdentity;
  readonly login: SimulatedLogin;
  begin(role: string): Promise<TestAnswer>;
  complete(loginId: string, returned: Readonly<Record<string, string>>): Promise<TestAnswer>;
  /** The whole way: begun, approved by the account, completed. */
  signIn(accountId: string, role: string): Promise<TestAnswer>;
  close(): Promise<void>;
}

const redirectUri = 'https://staff.example/login';

export async function startTestStaffLogin(profile: 'test' | 'production' = 'test'): Promise<TestStaffLogin> {
  const login = await SimulatedLogin.listen();
  const identity = await startTestIdentity(profile, {
    env: {
      TSUNAGU_STAFF_LOGIN_ISSUER: login.issuer,
      TSUNAGU_STAFF_LOGIN_NAME: 'Test staff login',
      TSUNAGU_STAFF_LOGIN_CLIENT_ID: 'tsunagu-staff',
      TSUNAGU_STAFF_LOGIN_REDIRECT_URI: redirectUri,
      TSUNAGU_STAFF_LOGIN_SCOPES: 'openid staff',
      TSUNAGU_STAFF_LOGIN_MAPPING: JSON.stringify({
        roleClaim: 'groups',
        roles: { 'points-operators': 'operator', 'points-finance': 'finance', 'points-desk': 'support' },
        owner: { claim: 'org', owners: { 'city-13': 'tokyo', 'city-27': 'osaka' } },
      }),
    },
  });
  const { body: jwks } = await identity.service.call('GET', '/identity/v1/staff-logins/jwks.json');
  const clients = ['tsunagu-staff', 'another-client'].map((clientId) => ({ clientId, redirectUri, jwks }));
  login.serve(clients, 'idToken');
  const begin: TestStaffLogin['begin'] = (role) =>
    identity.service.call('POST', '/identity/v1/staff-logins', { body: { role } });
  const complete: TestStaffLogin['complete'] = (loginId, body) =>
    identity.service.call('POST', `/identity/v1/staff-logins/${loginId}/complete`, { body });
  return {
    identity,
    login,
    begin,
    complete,
    async signIn(accountId, role) {
      const { body } = await begin(role);
      return complete(body.loginId, await login.authorize(body.authorizationUrl, accountId));
    },
    async close() {
      await identity.close();
      await login.close();
    },
  };
}
