import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JWK } from 'jose';

/** What a key may sign; the first part of its kid, and no key serves two. */
export type KeyUse = 'citizen' | 'staff' | 'provider' | 'feed' | 'login' | `service-${string}` | `log-${string}`;
export type KeyAlgorithm = 'RS256' | 'Ed25519' | 'ES256';

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: KeyAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

const generate = promisify(generateKeyPair);
const PRIVATE = '.private.json';
const PUBLIC = '.public.json';
/** Keys that say who this platform is to one other party. They sign nothing that anybody else reads, and have a key set of their own. */
const APART: readonly KeyUse[] = ['login'];

/**
 * The signing key for a use: of those in the directory (`<kid>.private.json`) whose time has come the newest; made there when there is
 * none. Several processes may ask at once: the file that is linked into place first is everybody's key. Private files have mode 0600.
 */
export async function loadOrCreateKey(directory: string, use: KeyUse, algorithm: KeyAlgorithm): Promise<SigningKey> {
  const inUse = (await keysOf(directory, use)).filter(({ activeFromMs }) => activeFromMs <= Date.now()).at(-1);
  return readKey(directory, inUse?.kid ?? (await makeKey(directory, use, 1, algorithm)));
}

/** Gives the signing key of a use as it is now, through every rotation: whoever signs asks each time. The directory is looked at again after that long (real time). */
export function currentKey(
  directory: string,
  use: KeyUse,
  algorithm: KeyAlgorithm,
  lookAgainMs = 5_000,
): () => Promise<SigningKey> {
  let kept: Promise<SigningKey> | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (kept && performance.now() - lookedAt < lookAgainMs) return kept;
    lookedAt = performance.now();
    const before = kept;
    // A directory that cannot be read for a moment does not stop what can be signed with the key known.
    kept = loadOrCreateKey(directory, use, algorithm).catch((error: unknown) => before ?? Promise.reject(error));
    return kept;
  };
}

/** One generation of a use's key. */
export interface KeyGeneration {
  readonly kid: string;
  readonly generation: number;
  /** Signed with from then on (real time); −∞ for a use's first. */
  readonly activeFromMs: number;
}

/** All generations of a use in the directory, the oldest first. */
export async function keysOf(directory: string, use: KeyUse): Promise<readonly KeyGeneration[]> {
  const names = (await readdir(directory).catch(absent)) ?? [];
  const generations = names.flatMap((name) => {
    const part =
      name.startsWith(`${use}-`) && name.endsWith(PRIVATE) ? name.slice(use.length + 1, -PRIVATE.length) : '';
    return /^\d{1,6}$/.test(part) ? [Number(part)] : [];
  });
  return Promise.all(
    generations
      .sort((one, other) => one - other)
      .map(async (generation) => {
        const kid = `${use}-${generation}`;
        const { activeFrom } = JSON.parse(await readFile(join(directory, `${kid}${PRIVATE}`), 'utf8'));
        const activeFromMs = typeof activeFrom === 'string' ? Date.parse(activeFrom) : Number.NEGATIVE_INFINITY;
        return { kid, generation, activeFromMs };
      }),
  );
}

/** Makes a key of that generation and its public half. Nothing is changed where there is one. Gives its kid. */
export async function makeKey(
  directory: string,
  use: KeyUse,
  generation: number,
  algorithm: KeyAlgorithm,
  activeFrom?: string,
): Promise<string> {
  const kid = `${use}-${generation}`;
  const { privateKey } = await generated(algorithm);
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: jwkAlgorithm(algorithm), activeFrom };
  await placeOnce(directory, `${kid}${PRIVATE}`, JSON.stringify(jwk));
  await readKey(directory, kid);
  return kid;
}

/** Takes a key out: its public half first, so that no key set has it any more once its private half is gone. */
export async function removeKey(directory: string, kid: string): Promise<void> {
  await rm(join(directory, `${kid}${PUBLIC}`), { force: true });
  await rm(join(directory, `${kid}${PRIVATE}`), { force: true });
}

/** 32 random bytes for one purpose (an HMAC, a vault's master key), made once for all processes in `<purpose>.secret` with mode 0600. */
export async function loadOrCreateSecret(directory: string, purpose: string): Promise<Buffer> {
  const existing = await readSecret(directory, purpose);
  if (existing) return existing;
  await placeOnce(directory, `${purpose}.secret`, randomBytes(32).toString('base64url'));
  return readSecret(directory, purpose) as Promise<Buffer>;
}

/** The same where it must not be made: undefined when there is none. */
export async function readSecret(directory: string, purpose: string): Promise<Buffer | undefined> {
  const name = `${purpose}.secret`;
  const text = await readFile(join(directory, name), 'utf8').catch(absent);
  if (text === undefined) return undefined;
  const secret = Buffer.from(text, 'base64url');
  if (secret.length !== 32) throw new Error(`the secret ${name} is damaged`);
  return secret;
}

/** The public halves of the keys in the directory, as a JWKS lists them: of one use, or of all that are not kept apart. */
export async function publicKeys(directory: string, use?: KeyUse): Promise<readonly JWK[]> {
  const names = (await readdir(directory).catch(absent)) ?? [];
  const isOf = (name: string, each: KeyUse) =>
    name.startsWith(`${each}-`) && /^\d{1,6}$/.test(name.slice(each.length + 1, -PUBLIC.length));
  const files = names
    .filter((name) => name.endsWith(PUBLIC))
    .filter((name) => (use === undefined ? !APART.some((each) => isOf(name, each)) : isOf(name, use)))
    .sort();
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as JWK));
}

async function readKey(directory: string, kid: string): Promise<SigningKey> {
  const jwk = JSON.parse(await readFile(join(directory, `${kid}${PRIVATE}`), 'utf8')) as JWK;
  const privateKey = createPrivateKey({ key: jwk as never, format: 'jwk' });
  const algorithm = algorithmOf(privateKey);
  const publicJwk: JWK = {
    ...createPublicKey(privateKey).export({ format: 'jwk' }),
    kid,
    use: 'sig',
    alg: jwkAlgorithm(algorithm),
  } as JWK;
  await placeOnce(directory, `${kid}${PUBLIC}`, JSON.stringify(publicJwk), 0o644);
  return { kid, algorithm, privateKey, publicJwk };
}

function generated(algorithm: KeyAlgorithm): Promise<{ privateKey: KeyObject }> {
  if (algorithm === 'RS256') return generate('rsa', { modulusLength: 2048 });
  return algorithm === 'ES256' ? generate('ec', { namedCurve: 'P-256' }) : generate('ed25519');
}

function algorithmOf({ asymmetricKeyType }: KeyObject): KeyAlgorithm {
  if (asymmetricKeyType === 'rsa') return 'RS256';
  return asymmetricKeyType === 'ec' ? 'ES256' : 'Ed25519';
}

/** RFC 8037 names Ed25519 in a JWK `EdDSA`. */
function jwkAlgorithm(algorithm: KeyAlgorithm): string {
  return algorithm === 'Ed25519' ? 'EdDSA' : algorithm;
}

/** Writes a file whole or not at all; an existing one stays. link(2) fails where the name is taken. */
async function placeOnce(directory: string, name: string, content: string, mode = 0o600): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, name);
  const temporary = join(directory, `.${randomBytes(8).toString('hex')}`);
  await writeFile(temporary, content, { mode, flag: 'wx' });
  await chmod(temporary, mode);
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function absent(error: unknown): undefined {
  if ((error as { code?: string }).code === 'ENOENT') return undefined;
  throw error;
}
