import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadOrCreateKey, publicKeys, rotateKey, type SigningKey } from '@tsunagu/service-host';
import { SimulatedLogin } from '@tsunagu/testing/login';
import { pino } from 'pino';
import { NationalLogin } from './national-login.js';

const redirectUri = 'https://app.example/login';

describe('the key that proves the platform to the login', () => {
  let directory: string;
  let server: SimulatedLogin;
  const lines: Record<string, unknown>[] = [];
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tsunagu-login-'));
    server = await SimulatedLogin.listen();
  });
  afterAll(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('is exchanged between two logins, and one that the login does not know is an outage for people', async () => {
    const first = await loadOrCreateKey(directory, 'login', 'ES256');
    await rotateKey(directory, 'login', 'ES256', Date.now(), 0);
    const second = await loadOrCreateKey(directory, 'login', 'ES256');
    const jwks = { keys: JSON.parse(JSON.stringify(await publicKeys(directory, 'login'))) };
    await rotateKey(directory, 'login', 'ES256', Date.now(), 0);
    const unknown = await loadOrCreateKey(directory, 'login', 'ES256');
    expect([first.kid, second.kid, unknown.kid]).toEqual(['login-1', 'login-2', 'login-3']);

    server.serve([{ clientId: 'tsunagu', redirectUri, jwks }]);
    let key: SigningKey = first;
    const settings = {
      issuer: `${server.issuer}/`,
      name: 'Test login',
      clientId: 'tsunagu',
      redirectUri,
      signUrl: undefined,
    };
    const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const login = new NationalLogin(settings, async () => key, logger);
    const account = server.account({ name: '見本太郎' });
    const signIn = async () => {
      const begun = await login.begin();
      if (!begun.ok) throw new Error(begun.refusal.code);
      const { code = '', iss } = await server.authorize(begun.value.authorizationUrl, account);
      const proven = await login.complete({ code, iss }, begun.value.secrets);
      return proven.ok ? login.told(proven.value, undefined) : proven;
    };
    const before = await signIn();
    expect(before).toMatchObject({ ok: true, value: { claims: { name: '見本太郎' } } });
    key = second;
    expect(await signIn()).toEqual(before);
    key = unknown;
    expect(await signIn()).toMatchObject({ ok: false, refusal: { code: 'identity.login_unavailable' } });
    expect(lines.at(-1)).toMatchObject({ level: 40, reason: 'invalid_client' });
  });
});
