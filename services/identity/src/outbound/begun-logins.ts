import { hash, type KeyObject } from 'node:crypto';
import { type Clock, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import { open, seal } from '@tsunagu/vault';
import type { Pool } from 'pg';
import type { LoginSecrets } from './openid-login.js';

export type TakingRefusal = 'identity.login_expired' | 'identity.login_used' | 'identity.login_invalid';

const lifeMs = 600_000;
/** Kept so long after they ran out, so that a late second use is told from a late first one. */
const forgottenAfterMs = 600_000;

/** Where begun logins of one kind lie, and the name that their secrets are sealed for. */
export interface BegunLoginsPlace {
  readonly table: 'national_logins' | 'staff_logins';
  readonly sealedFor: string;
}

export const nationalLogins: BegunLoginsPlace = { table: 'national_logins', sealedFor: 'identity login' };
export const staffLogins: BegunLoginsPlace = { table: 'staff_logins', sealedFor: 'identity staff login' };

/** Logins that wait for the person to come back from an OpenID login: ten minutes, one use. */
export class BegunLogins<Kept extends LoginSecrets = LoginSecrets> {
  constructor(
    private readonly place: BegunLoginsPlace,
    private readonly database: Pool,
    private readonly sealKey: KeyObject,
    private readonly clock: Clock,
  ) {}

  /** `tokenId` is the session that begins it, which alone may complete it; null without one. */
  async keep(secrets: Kept, tokenId: string | null): Promise<{ loginId: string; expiresAtMs: number }> {
    const now = this.clock.now();
    const loginId = newId(now);
    const { state, ...kept } = secrets;
    await this.database.query(
      `insert into ${this.place.table} (login_id, state_hash, sealed, token_id, expires_at) values ($1, $2, $3, $4, $5)`,
      [loginId, stateHash(state), seal(this.sealKey, this.context(loginId), kept), tokenId, new Date(now + lifeMs)],
    );
    return { loginId, expiresAtMs: now + lifeMs };
  }

  /** For the first who comes with its state, in the session that began it. A wrong state uses nothing up: it is somebody else's. */
  async take(loginId: string, state: string, tokenId: string | null): Promise<Result<Kept, TakingRefusal>> {
    const now = new Date(this.clock.now());
    const taken = await this.database.query<{ sealed: Buffer }>(
      `update ${this.place.table} set used_at = $4
       where login_id = $1 and state_hash = $2 and token_id is not distinct from $3 and used_at is null and expires_at > $4
       returning sealed`,
      [loginId, stateHash(state), tokenId, now],
    );
    const row = taken.rows[0];
    if (row) {
      const kept = open<Omit<Kept, 'state'>>(this.sealKey, this.context(loginId), row.sealed);
      return ok({ state, ...kept } as Kept);
    }
    const known = await this.database.query<{ is_theirs: boolean; used_at: Date | null }>(
      `select state_hash = $2 and token_id is not distinct from $3 as is_theirs, used_at
       from ${this.place.table} where login_id = $1 and (expires_at > $4 or used_at is not null)`,
      [loginId, stateHash(state), tokenId, now],
    );
    const login = known.rows[0];
    if (!login) return refuse('identity.login_expired');
    return refuse(login.is_theirs && login.used_at ? 'identity.login_used' : 'identity.login_invalid');
  }

  /** Nothing came of it because somebody could not be reached: it may be taken once more, with what is known of it by then. */
  async giveBack(loginId: string, { state: _, ...kept }: Kept): Promise<void> {
    await this.database.query(`update ${this.place.table} set used_at = null, sealed = $2 where login_id = $1`, [
      loginId,
      seal(this.sealKey, this.context(loginId), kept),
    ]);
  }

  async forgetOld(): Promise<void> {
    const before = new Date(this.clock.now() - forgottenAfterMs);
    await this.database.query(`delete from ${this.place.table} where expires_at < $1`, [before]);
  }

  private context(loginId: string): string {
    return `${this.place.sealedFor} ${loginId}`;
  }
}

function stateHash(state: string): Buffer {
  return hash('sha256', state, 'buffer');
}
