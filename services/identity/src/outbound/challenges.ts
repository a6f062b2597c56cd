import { hash, randomBytes } from 'node:crypto';
import { type Clock, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import canonicalize from 'canonicalize';
import type { Pool } from 'pg';

export interface Challenge {
  readonly challengeId: string;
  /** 32 bytes. */
  readonly nonce: Buffer;
  readonly expiresAtMs: number;
}

const lifeMs = 120_000;
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
    const act = Buffer.from(`${purpose ?? ''}${operation === undefined ? '' : canonicalize(operation)}`);
    const nonce = purpose === undefined ? random : hash('sha256', Buffer.concat([random, act]), 'buffer');
    const now = this.clock.now();
    const challenge = { challengeId: newId(now), nonce, expiresAtMs: now + lifeMs };
    await this.database.query('insert into challenges (challenge_id, nonce, expires_at) values ($1, $2, $3)', [
      challenge.challengeId,
      nonce,
      new Date(challenge.expiresAtMs),
    ]);
    return challenge;
  }

  /** The nonce, for the first who asks; whatever comes of it, the challenge is used up. */
  async use(challengeId: string): Promise<Result<Buffer, 'identity.challenge_expired' | 'identity.challenge_used'>> {
    const now = new Date(this.clock.now());
    const taken = await this.database.query<{ nonce: Buffer }>(
      'update challenges set used_at = $2 where challenge_id = $1 and used_at is null and expires_at > $2 returning nonce',
      [challengeId, now],
    );
    const nonce = taken.rows[0]?.nonce;
    if (nonce) return ok(nonce);
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
