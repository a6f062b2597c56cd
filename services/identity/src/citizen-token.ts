import { randomUUID } from 'node:crypto';
import type { Clock } from '@tsunagu/kernel';
import { type SigningKey, signAccessToken } from '@tsunagu/service-host';

export const sessionSeconds = 30 * 60;

/** A citizen's access token; `key` is the newest `citizen` key of the key directory. `terminalId` where it is for a shared terminal. */
export async function signCitizenToken(
  key: SigningKey,
  personId: string,
  clock: Clock,
  ttlSeconds = sessionSeconds,
  { tokenId = randomUUID(), terminalId }: { readonly tokenId?: string; readonly terminalId?: string } = {},
): Promise<{ accessToken: string; expiresAtMs: number }> {
  const claims = {
    subject: personId,
    role: 'citizen',
    ttlSeconds,
    tokenId,
    ...(terminalId !== undefined && { terminalId }),
  } as const;
  const expiresAtMs = (Math.floor(clock.now() / 1_000) + ttlSeconds) * 1_000;
  return { accessToken: await signAccessToken(key, claims, clock), expiresAtMs };
}
