import { hash, randomBytes } from 'node:crypto';
import { type Clock, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import canonicalize from 'canonicalize';
import type { Pool } from 'pg';

/** The one act that a signature is for. */
export interface Act {
  readonly purpose: string;
  readonly operation: Readonly<Record<string, unknown>>;
}

export type ChallengeRefusal = 'identity.challenge_expired' | 'identity.challenge_used';

export interface Challenge {
  readonly challengeId: string;
  /** 32 bytes. */
  readonly nonce: Buffer;
  readonly expiresAtMs: number;
}

const lifeMs = 120_000;
const sessionPurpose = 'session';
/** Kept so long after they ran out. */
const forgottenAfterMs = 600_000;

/** Nonces for cards to sign: two minutes, one attempt. */
export class Challenges {
  constructor(
    private readonly database: Pool,
    private readonly clock: Clock,
  ) {}

  /** With a purpose the nonce is a hash over it and the operation, so that the signature is bound to that one act. */
  async issue(purpose?: string, operation?: Readonly<Record<string, unknown>>): Promise<Challenge> {
    const random = randomBytes(purpose === undefined ? 32 : 16);
    const nonce = purpose === undefined ? random : boundNonce(random, purpose, operation);
    const now = this.clock.now();
    const challenge = { challengeId: newId(now), nonce, expiresAtMs: now + lifeMs };
    await this.database.query(
      'insert into challenges (challenge_id, nonce, expires_at, random, purpose) values ($1, $2, $3, $4, $5)',
      [challenge.challengeId, nonce, new Date(challenge.expiresAtMs), random, purpose ?? null],
    );
    return challenge;
  }

  /**
   * The nonce of a challenge that was asked for a session, for the first who asks; whatever comes of it, the challenge is used up.
   * One that was asked for another act opens no session: what a person signs at a counter must not log anybody in.
   */
  async use(challengeId: string): Promise<Result<Buffer, ChallengeRefusal>> {
    const taken = await this.take(challengeId);
    if (!taken.ok) return taken;
    const { nonce, purpose } = taken.value;
    if (purpose === null || purpose === sessionPurpose) return ok(nonce);
    return refuse('identity.challenge_expired', { detail: 'The challenge was asked for another act.' });
  }

  /** The nonce, where the challenge was asked for exactly this act; used up as above. */
  async useFor(
    challengeId: string,
    { purpose, operation }: Act,
  ): Promise<Result<Buffer, ChallengeRefusal | 'identity.fresh_proof_required'>> {
    const taken = await this.take(challengeId);
    if (!taken.ok) return taken;
    const { nonce, random } = taken.value;
    const isForIt = taken.value.purpose === purpose && random && nonce.equals(boundNonce(random, purpose, operation));
    if (isForIt) return ok(nonce);
    return refuse('identity.fresh_proof_required', { detail: 'The challenge was asked for another act.' });
  }

  private async take(challengeId: string): Promise<Result<Taken, ChallengeRefusal>> {
    const now = new Date(this.clock.now());
    const taken = await this.database.query<Taken>(
      `update challenges set used_at = $2 where challenge_id = $1 and used_at is null and expires_at > $2
       returning nonce, random, purpose`,
      [challengeId, now],
    );
    if (taken.rows[0]) return ok(taken.rows[0]);
    const known = await this.database.query('select 1 from challenges where challenge_id = $1 and expires_at > $2', [
      challengeId,
      now,
    ]);
    return refuse(known.rowCount === 1 ? 'identity.challenge_used' : 'identity.challenge_expired');
  }

  async forgetOld(): Promise<void> {
    await this.database.query('delete from challenges where expires_at < $1', [
      new Date(this.clock.now() - forgottenAfterMs),
    ]);
  }
}

interface Taken {
  readonly nonce: Buffer;
  /** Null for a challenge of an older release. */
  readonly random: Buffer | null;
  readonly purpose: string | null;
}

/** API.md: SHA-256 over 16 random bytes, the purpose and the canonical operation (RFC 8785), which begins with a brace: no purpose holds one. */
function boundNonce(random: Buffer, purpose: string, operation?: Readonly<Record<string, unknown>>): Buffer {
  const act = Buffer.from(`${purpose}${operation === undefined ? '' : canonicalize(operation)}`);
  return hash('sha256', Buffer.concat([random, act]), 'buffer');
}
