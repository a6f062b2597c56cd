import { readConfig } from './config.js';

const plain = { TSUNAGU_ISSUER_URL: 'https://issuer.example', TSUNAGU_TRUSTED_CA_DIRECTORY: '/ca' };
const mapping = { roleClaim: 'groups', roles: { operators: 'operator' }, owner: { id: 'demo' } };
const staff = {
  ...plain,
  TSUNAGU_STAFF_LOGIN_ISSUER: 'https://staff.example',
  TSUNAGU_STAFF_LOGIN_CLIENT_ID: 'tsunagu',
  TSUNAGU_STAFF_LOGIN_REDIRECT_URI: 'https://desk.example/login',
  TSUNAGU_STAFF_LOGIN_MAPPING: JSON.stringify(mapping),
};
const mapped = (change: object) => JSON.stringify({ ...mapping, ...change });

describe('settings of the staff login', () => {
  it('are absent as a whole without an issuer', () => {
    expect(readConfig(plain).staffLogin).toBeUndefined();
    expect(readConfig({ ...staff, TSUNAGU_STAFF_LOGIN_ISSUER: ' ' }).staffLogin).toBeUndefined();
  });

  it('have one ID token algorithm and sessions of eight hours by default', () => {
    expect(readConfig(staff).staffLogin).toEqual({
      name: 'staff login',
      client: {
        issuer: 'https://staff.example/',
        clientId: 'tsunagu',
        redirectUri: 'https://desk.example/login',
        scopes: 'openid',
        algorithm: 'ES256',
        called: 'staff login',
      },
      mapping,
      sessionSeconds: 28_800,
    });
  });

  it.each([
    ['TSUNAGU_STAFF_LOGIN_ISSUER', 'http://staff.example'],
    ['TSUNAGU_STAFF_LOGIN_CLIENT_ID', ''],
    ['TSUNAGU_STAFF_LOGIN_REDIRECT_URI', 'https://desk.example/login?next=1'],
    ['TSUNAGU_STAFF_LOGIN_SCOPES', 'profile'],
    ['TSUNAGU_STAFF_LOGIN_ALGORITHM', 'none'],
    ['TSUNAGU_STAFF_LOGIN_ALGORITHM', 'HS256'],
    ['TSUNAGU_STAFF_SESSION_MINUTES', '1440'],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', ''],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', '[]'],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', mapped({ roleClaim: '' })],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', mapped({ roles: {} })],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', mapped({ roles: { all: 'citizen' } })],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', mapped({ roles: { all: 'service' } })],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', mapped({ roles: { all: 'kiosk' } })],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', mapped({ roles: { all: 'partner' } })],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', mapped({ owner: {} })],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', mapped({ owner: { id: 'a', claim: 'org', owners: { a: 'a' } } })],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', mapped({ owner: { claim: 'org', owners: { a: 1 } } })],
    ['TSUNAGU_STAFF_LOGIN_MAPPING', mapped({ other: 1 })],
  ])('are refused in one sentence: %s=%s', (name, value) => {
    expect(() => readConfig({ ...staff, [name]: value })).toThrow(new RegExp(`^${name} .*\\.$`));
  });
});
