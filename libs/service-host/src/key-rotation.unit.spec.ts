import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outlivedAfterMs, retireKey, rotateKey, shownFirstMs, shownToLoginFirstMs } from './key-rotation.js';
import { currentKey, keysOf, loadOrCreateKey, publicKeys } from './keyring.js';

describe('rotating a key', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tsunagu-rotation-'));
    await loadOrCreateKey(directory, 'provider', 'Ed25519');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const rotate = (now?: number) => rotateKey(directory, 'provider', 'Ed25519', now);
  const kids = async () => (await publicKeys(directory)).map(({ kid }) => kid);

  it('shows the new key at once and signs with it only when its time has come', async () => {
    const before = Date.now();
    expect(await rotate()).toMatchObject({ kid: 'provider-2', generation: 2 });
    const [, second] = await keysOf(directory, 'provider');
    expect(second?.activeFromMs).toBeGreaterThanOrEqual(before + shownFirstMs);
    expect(await kids()).toEqual(['provider-1', 'provider-2']);
    expect((await loadOrCreateKey(directory, 'provider', 'Ed25519')).kid).toBe('provider-1');
    expect(await rotate()).toBe('one is on its way already');
  });

  it('shows the key of the national login for a day, or shortly where the old one has leaked', async () => {
    await loadOrCreateKey(directory, 'login', 'ES256');
    const now = Date.now();
    expect(await rotateKey(directory, 'login', 'ES256', now)).toMatchObject({
      activeFromMs: now + shownToLoginFirstMs,
    });
    const later = now + shownToLoginFirstMs;
    const soon = await rotateKey(directory, 'login', 'ES256', later, shownFirstMs);
    expect(soon).toMatchObject({ kid: 'login-3', activeFromMs: later + shownFirstMs });
  });

  it('signs with the newest whose time has come, and makes the one after it next', async () => {
    await rotate(Date.now() - shownFirstMs);
    expect((await loadOrCreateKey(directory, 'provider', 'Ed25519')).kid).toBe('provider-2');
    expect(await rotate()).toMatchObject({ kid: 'provider-3' });
    expect((await currentKey(directory, 'provider', 'Ed25519')()).kid).toBe('provider-2');
  });

  it('rotates no use that has no key', async () => {
    expect(await rotateKey(directory, 'citizen', 'RS256')).toBe('there is no such key');
  });

  it('keeps the key that signs, and a replaced one until what it signed has run out', async () => {
    const retire = (kid: string, options?: Parameters<typeof retireKey>[3]) =>
      retireKey(directory, 'provider', kid, options);
    expect(await retire('provider-1')).toBe('it is the one that signs');
    expect(await retire('provider-9')).toBe('there is no such key');
    await rotate();
    expect(await retire('provider-1', { compromised: true })).toBe('it is the one that signs');
    const activeFromMs = (await keysOf(directory, 'provider')).at(-1)?.activeFromMs ?? 0;
    expect(await retire('provider-1', { now: activeFromMs + outlivedAfterMs - 1 })).toBe(
      'tokens that it signed may still be in use',
    );
    expect(await retire('provider-1', { now: activeFromMs + outlivedAfterMs })).toBeUndefined();
    expect((await readdir(directory)).sort()).toEqual(['provider-2.private.json', 'provider-2.public.json']);
  });

  it('takes a compromised key out as soon as the next one signs', async () => {
    await rotate(Date.now() - shownFirstMs);
    expect(await retireKey(directory, 'provider', 'provider-1', { compromised: true })).toBeUndefined();
    expect(await kids()).toEqual(['provider-2']);
  });

  it('goes on with the key known while the directory cannot be read', async () => {
    const key = currentKey(directory, 'provider', 'Ed25519', 0);
    await key();
    await writeFile(join(directory, 'provider-2.private.json'), 'torn');
    expect((await key()).kid).toBe('provider-1');
    await rm(join(directory, 'provider-2.private.json'));
    await rotate(Date.now() - shownFirstMs);
    expect((await key()).kid).toBe('provider-2');
  });
});
