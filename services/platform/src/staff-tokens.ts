import { loadOrCreateKey, type Role, signAccessToken } from '@tsunagu/service-host';

export type StaffRole = Exclude<Role, 'citizen' | 'service'>;

/** A staff token of the test profile, signed with the data directory's staff key without a login. */
export async function signStaffToken(
  keyDirectory: string,
  facts: {
    role: StaffRole;
    subject: string;
    ownerId: string | undefined;
    /** Of a partner: the provider that it speaks for. */
    providerId?: string | undefined;
    ttlMs: number;
    nowMs: number;
  },
): Promise<string> {
  const { role, subject, ownerId, providerId, ttlMs, nowMs } = facts;
  return signAccessToken(
    await loadOrCreateKey(keyDirectory, 'staff', 'RS256'),
    { role, subject, providerId, ttlSeconds: Math.ceil(ttlMs / 1_000), ...(ownerId !== undefined && { ownerId }) },
    { now: () => nowMs },
  );
}
