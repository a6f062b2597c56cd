import { loadOrCreateKey, type Role, signAccessToken } from '@tsunagu/service-host';

export type StaffRole = Exclude<Role, 'citizen' | 'service'>;

/** A staff token of the test profile, signed with the data directory's staff key without a login. */
export async function signStaffToken(
  keyDirectory: string,
  facts: { role: StaffRole; subject: string; ownerId: string | undefined; ttlMs: number; nowMs: number },
): Promise<string> {
  const { role, subject, ownerId, ttlMs, nowMs } = facts;
  return signAccessToken(
    await loadOrCreateKey(keyDirectory, 'staff', 'RS256'),
    { role, subject, ttlSeconds: Math.ceil(ttlMs / 1_000), ...(ownerId !== undefined && { ownerId }) },
    { now: () => nowMs },
  );
}
