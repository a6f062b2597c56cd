import { readConfig } from './config.js';

const plain = { TSUNAGU_ISSUER_URL: 'https://issuer.example', TSUNAGU_TRUSTED_CA_DIRECTORY: '/ca' };
const login = {
  ...plain,
  TSUNAGU_LOGIN_ISSUER: 'https://login.example',
  TSUNAGU_LOGIN_CLIENT_ID: 'tsunagu',
  TSUNAGU_LOGIN_REDIRECT_URI: 'https://app.example/login',
};

describe('settings of the national login', () => {
  it('are absent as a whole without an issuer', () => {
    expect(readConfig(plain).login).toBeUndefined();
    expect(readConfig({ ...login, TSUNAGU_LOGIN_ISSUER: ' ' }).login).toBeUndefined();
  });

  it('give the issuer in one form, however it is written', () => {
    const issuers = ['https://login.example', 'https://login.example/', 'HTTPS://LOGIN.example:443'];
    for (const issuer of issuers) {
      expect(readConfig({ ...login, TSUNAGU_LOGIN_ISSUER: issuer }).login).toEqual({
        issuer: 'https://login.example/',
        name: 'national login',
        clientId: 'tsunagu',
        redirectUri: 'https://app.example/login',
      });
    }
    const app = readConfig({ ...login, TSUNAGU_LOGIN_REDIRECT_URI: 'jp.example.app:/login' }).login;
    expect(app?.redirectUri).toBe('jp.example.app:/login');
    const signUrl = 'https://login.example/api/sign-transactions';
    expect(readConfig({ ...login, TSUNAGU_LOGIN_SIGN_URL: signUrl }).login).toMatchObject({ signUrl });
    expect(readConfig({ ...login, TSUNAGU_LOGIN_SIGN_URL: ' ' }).login?.signUrl).toBeUndefined();
  });

  it.each([
    ['TSUNAGU_LOGIN_ISSUER', 'http://login.example'],
    ['TSUNAGU_LOGIN_ISSUER', 'login'],
    ['TSUNAGU_LOGIN_SIGN_URL', 'http://login.example/sign-transactions'],
    ['TSUNAGU_LOGIN_CLIENT_ID', ''],
    ['TSUNAGU_LOGIN_REDIRECT_URI', ''],
    ['TSUNAGU_LOGIN_REDIRECT_URI', '/login'],
    ['TSUNAGU_LOGIN_REDIRECT_URI', 'https://app.example/login?next=1'],
  ])('are refused in one sentence: %s=%s', (name, value) => {
    expect(() => readConfig({ ...login, [name]: value })).toThrow(new RegExp(`^${name} .*\\.$`));
  });
});
