import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importJWK, jwtVerify, SignJWT } from 'jose';
import { loadOrCreateKey, loadOrCreateSecret, publicKeys, readSecret } from './keyring.js';

describe('the key directory', () => {
  let directory: string;
  beforeEach(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'tsunagu-keyring-')), 'keys');
  });
  afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }));

  it('makes one key for a use, however many ask at once, and gives it again', async () => {
    const keys = await Promise.all(Array.from({ length: 6 }, () => loadOrCreateKey(directory, 'staff', 'RS256')));
    expect(new Set(keys.map(({ publicJwk }) => publicJwk.n)).size).toBe(1);
    expect(keys[0]?.kid).toBe('staff-1');
    expect((await loadOrCreateKey(directory, 'staff', 'RS256')).publicJwk).toEqual(keys[0]?.publicJwk);
    expect((await readdir(directory)).sort()).toEqual(['staff-1.private.json', 'staff-1.public.json']);
  });

  it('keeps private halves to their owner and out of the key set', async () => {
    await loadOrCreateKey(directory, 'provider', 'Ed25519');
    await loadOrCreateKey(directory, 'citizen', 'RS256');
    await loadOrCreateSecret(directory, 'vault');
    for (const name of ['provider-1.private.json', 'citizen-1.private.json', 'vault.secret']) {
      expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    }
    const jwks = await publicKeys(directory);
    expect(jwks.map(({ kid, alg, use }) => [kid, alg, use])).toEqual([
      ['citizen-1', 'RS256', 'sig'],
      ['provider-1', 'EdDSA', 'sig'],
    ]);
    expect(jwks.some((jwk) => 'd' in jwk)).toBe(false);
  });

  it('signs what the public half verifies', async () => {
    const key = await loadOrCreateKey(directory, 'citizen', 'RS256');
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'RS256' }).sign(key.privateKey);
    const [publicJwk] = await publicKeys(directory);
    await expect(jwtVerify(token, await importJWK(publicJwk ?? {}))).resolves.toBeDefined();
  });

  it('takes the newest generation of a use and does not confuse uses that begin alike', async () => {
    const { privateKey } = await loadOrCreateKey(directory, 'service-service-link', 'RS256');
    const jwk = JSON.stringify(privateKey.export({ format: 'jwk' }));
    await writeFile(join(directory, 'service-service-link-10.private.json'), jwk);
    await writeFile(join(directory, 'service-service-link-9.private.json'), jwk);
    expect((await loadOrCreateKey(directory, 'service-service-link', 'RS256')).kid).toBe('service-service-link-10');
    expect((await loadOrCreateKey(directory, 'service-service', 'RS256')).kid).toBe('service-service-1');
  });

  it('keeps the key of the login apart: it stands in a key set of its own, with all its generations', async () => {
    await loadOrCreateKey(directory, 'citizen', 'RS256');
    const { privateKey, publicJwk } = await loadOrCreateKey(directory, 'login', 'ES256');
    const older = (await publicKeys(directory, 'login'))[0] ?? {};
    await writeFile(join(directory, 'login-2.public.json'), JSON.stringify({ ...older, kid: 'login-2' }));
    expect((await publicKeys(directory)).map(({ kid }) => kid)).toEqual(['citizen-1']);
    expect((await publicKeys(directory, 'login')).map(({ kid, alg }) => [kid, alg])).toEqual([
      ['login-1', 'ES256'],
      ['login-2', 'ES256'],
    ]);
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    await expect(jwtVerify(token, await importJWK(publicJwk))).resolves.toBeDefined();
  });

  it('makes one secret for a purpose', async () => {
    const secrets = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateSecret(directory, 'vault')));
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(1);
    expect(secrets[0]).toHaveLength(32);
    await writeFile(join(directory, 'torn.secret'), 'abc');
    await expect(loadOrCreateSecret(directory, 'torn')).rejects.toThrow('damaged');
  });

  it('reads a secret without making it', async () => {
    expect(await readSecret(directory, 'vault')).toBeUndefined();
    const made = await loadOrCreateSecret(directory, 'vault');
    expect(await readSecret(directory, 'vault')).toEqual(made);
    expect(await readdir(directory)).toEqual(['vault.secret']);
  });
});
