import { randomUUID } from 'node:crypto';
import { type Clock, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import { type SigningKey, signAccessToken } from '@tsunagu/service-host';
import { decideAdmission, type StaffRole } from '../domain/staff-member.js';
import type { BegunLogins, TakingRefusal } from '../outbound/begun-logins.js';
import type { LoginRefusal, LoginReturn, LoginSecrets, OpenidLogin } from '../outbound/openid-login.js';
import type { StaffSession, StaffSessions } from '../outbound/staff-sessions.js';
import type { Vault } from '../outbound/vault.js';
import type { StaffLoginConfig } from '../staff-login-config.js';

export type StaffLoginRefusal = 'identity.login_invalid' | 'identity.staff_login_unavailable';

/** What waits for the person: the role is chosen before the login, and nobody can change it on the way. */
export interface StaffLoginSecrets extends LoginSecrets {
  readonly role: StaffRole;
}

export interface StaffSigningInParts {
  readonly settings: StaffLoginConfig;
  readonly login: OpenidLogin;
  readonly begun: BegunLogins<StaffLoginSecrets>;
  readonly sessions: StaffSessions;
  readonly vault: Pick<Vault, 'staffRef'>;
  /** The `staff` key that signs now. */
  readonly key: () => Promise<SigningKey>;
  readonly clock: Clock;
}

/** From the staff login's answer to a session with one role. */
export class StaffSigningIn {
  constructor(private readonly parts: StaffSigningInParts) {}

  get name(): string {
    return this.parts.settings.name;
  }

  async begin(
    role: StaffRole,
  ): Promise<Result<{ loginId: string; authorizationUrl: string; expiresAtMs: number }, StaffLoginRefusal>> {
    const begun = await this.parts.login.begin();
    if (!begun.ok) return ofStaff(begun);
    const { authorizationUrl, secrets } = begun.value;
    return ok({ authorizationUrl, ...(await this.parts.begun.keep({ ...secrets, role }, null)) });
  }

  async complete(
    loginId: string,
    returned: LoginReturn & { readonly state: string },
  ): Promise<
    Result<
      { accessToken: string; session: StaffSession },
      TakingRefusal | StaffLoginRefusal | 'identity.staff_not_admitted'
    >
  > {
    const { begun, login, settings, vault } = this.parts;
    const taken = await begun.take(loginId, returned.state, null);
    if (!taken.ok) return taken;
    const proven = await login.complete(returned, taken.value);
    if (!proven.ok) {
      if (proven.refusal.code === 'identity.login_unavailable') await begun.giveBack(loginId, taken.value);
      return ofStaff(proven);
    }
    const admitted = decideAdmission(settings.mapping, proven.value.claims, taken.value.role);
    if (!admitted.ok) return admitted;
    return ok(
      await this.open({ ...admitted.value, subject: vault.staffRef(settings.client.issuer, proven.value.subject) }),
    );
  }

  /** Listed before its token is handed out, so that it can be ended. */
  private async open(
    member: Pick<StaffSession, 'subject' | 'role' | 'ownerId'>,
  ): Promise<{ accessToken: string; session: StaffSession }> {
    const { clock, sessions, settings, key } = this.parts;
    const nowMs = clock.now();
    const ttlSeconds = settings.sessionSeconds;
    const session = {
      ...member,
      sessionId: newId(nowMs),
      tokenId: randomUUID(),
      openedAt: new Date(nowMs),
      // The token's own, which is in whole seconds.
      expiresAt: new Date((Math.floor(nowMs / 1_000) + ttlSeconds) * 1_000),
    };
    const { subject, role, ownerId, tokenId } = session;
    await sessions.add(session);
    const claims = { subject, role, ownerId, tokenId, ttlSeconds };
    return { accessToken: await signAccessToken(await key(), claims, { now: () => nowMs }), session };
  }
}

/** The card is no way round an outage for staff: people read another text. */
function ofStaff({ refusal }: Extract<Result<never, LoginRefusal>, { ok: false }>) {
  const { code, ...more } = refusal;
  return refuse(code === 'identity.login_unavailable' ? 'identity.staff_login_unavailable' : code, more);
}
