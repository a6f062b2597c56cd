import { isoTime } from '@tsunagu/kernel';
import { type KeyAlgorithm, type KeyGeneration, type KeyUse, keysOf, makeKey, removeKey } from './keyring.js';

/**
 * How long a new key is only shown before it signs: whoever keeps the key set (30 s at most) has read it by then, so that no signature
 * meets somebody who does not know its key yet.
 */
export const shownFirstMs = 60_000;
/** The same for the key set that the national login keeps, as long as it likes: a day is usual. */
export const shownToLoginFirstMs = 24 * 3_600_000;
/** No signature by an old key is good for longer than this after the next one took over: the longest life of a token. */
export const outlivedAfterMs = 24 * 3_600_000;

export type RotationRefusal =
  | 'one is on its way already'
  | 'it is the one that signs'
  | 'tokens that it signed may still be in use'
  | 'there is no such key';

/** Makes the next key of a use, which signs from `shownFirstMs` on, that of the login from `shownToLoginFirstMs`. Gives the key, or why not. */
export async function rotateKey(
  directory: string,
  use: KeyUse,
  algorithm: KeyAlgorithm,
  now = Date.now(),
  shownMs = use === 'login' ? shownToLoginFirstMs : shownFirstMs,
): Promise<KeyGeneration | RotationRefusal> {
  const newest = (await keysOf(directory, use)).at(-1);
  if (!newest) return 'there is no such key';
  if (newest.activeFromMs > now) return 'one is on its way already';
  const activeFromMs = now + shownMs;
  const generation = newest.generation + 1;
  const kid = await makeKey(directory, use, generation, algorithm, isoTime(activeFromMs));
  return { kid, generation, activeFromMs };
}

/**
 * Takes out a key that a newer one has replaced for long enough; what it signed is refused from then on, at the latest when the key set
 * is read again (5 minutes). `compromised` does not wait. Gives undefined when it is done.
 */
export async function retireKey(
  directory: string,
  use: KeyUse,
  kid: string,
  { compromised = false, now = Date.now() }: { compromised?: boolean; now?: number } = {},
): Promise<RotationRefusal | undefined> {
  const keys = await keysOf(directory, use);
  const at = keys.findIndex((key) => key.kid === kid);
  if (at < 0) return 'there is no such key';
  const successor = keys.slice(at + 1).find(({ activeFromMs }) => activeFromMs <= now);
  if (!successor) return 'it is the one that signs';
  if (!compromised && successor.activeFromMs + outlivedAfterMs > now)
    return 'tokens that it signed may still be in use';
  await removeKey(directory, kid);
  return undefined;
}
