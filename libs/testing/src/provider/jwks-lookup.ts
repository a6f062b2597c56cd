import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

const keptMs = 60_000;
const retryMs = 500;

/** Public keys of a use (the first part of the kid) from a JWKS address, kept for a minute; an unknown kid reads it again. */
export function jwksLookup(url: string, use: string): (kid: string) => Promise<KeyObject | undefined> {
  let keys = new Map<string, KeyObject>();
  let readAt = Number.NEGATIVE_INFINITY;
  return async (kid) => {
    const age = performance.now() - readAt;
    if (age > keptMs || (!keys.has(kid) && age > retryMs)) {
      const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      const set = (await response.json()) as { keys: (JsonWebKey & { kid: string })[] };
      const fitting = set.keys.filter((key) => key.kid.startsWith(`${use}-`));
      keys = new Map(fitting.map((key) => [key.kid, createPublicKey({ key, format: 'jwk' })]));
      readAt = performance.now();
    }
    return keys.get(kid);
  };
}
