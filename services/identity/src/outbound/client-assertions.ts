import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { type Clock, ok, type Result, refuse } from '@tsunagu/kernel';
import { tokenAudience } from '@tsunagu/service-host';
import { decodeJwt, errors, jwtVerify } from 'jose';
import type { Pool } from 'pg';
import type { Client, ClientKey } from '../domain/client.js';

/** An assertion lives no longer than this. */
const lifeSecondsMax = 300;
/** A machine's clock may go so far wrong. */
const toleranceSeconds = 30;
const rsaBitsMin = 2048;
const rsaBitsMax = 4096;
const algorithms = { RSA: ['RS256', 'PS256'], EC: ['ES256'], OKP: ['EdDSA', 'Ed25519'] } as const;

/** The key that a JWK stands for; undefined where it is none that is taken. */
export function publicKeyOf(jwk: ClientKey): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
    const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
    if (jwk.kty === 'RSA') return modulusLength >= rsaBitsMin && modulusLength <= rsaBitsMax ? key : undefined;
    if (jwk.kty === 'EC') return namedCurve === 'prime256v1' ? key : undefined;
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Whom an assertion says that it is from; nothing of it is believed yet. */
export function claimedClient(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).iss;
  } catch {
    return undefined;
  }
}

/** Checks assertions of private_key_jwt (RFC 7523 §3): each is good once. */
export class ClientAssertions {
  constructor(
    private readonly database: Pool,
    private readonly clock: Clock,
  ) {}

  async check(assertion: string, client: Client): Promise<Result<undefined, 'identity.client_invalid'>> {
    const nowMs = this.clock.now();
    let expiresAt: number;
    let assertionHash: Buffer;
    try {
      const { payload } = await jwtVerify(
        assertion,
        ({ kid, alg }) => {
          const jwk = client.keys.find((key) => key.kid === kid);
          const key = jwk && (algorithms[jwk.kty] as readonly string[]).includes(alg) ? publicKeyOf(jwk) : undefined;
          if (!key) throw new errors.JWKSNoMatchingKey();
          return key;
        },
        {
          issuer: client.clientId,
          subject: client.clientId,
          audience: tokenAudience,
          requiredClaims: ['exp', 'jti'],
          clockTolerance: toleranceSeconds,
          currentDate: new Date(nowMs),
        },
      );
      expiresAt = Number(payload.exp);
      // By its id: the text of a signature can be changed without making it wrong.
      assertionHash = createHash('sha256').update(`${client.clientId}\n${payload.jti}`).digest();
    } catch (error) {
      return invalid(reasonOf(error));
    }
    if (expiresAt > nowMs / 1_000 + lifeSecondsMax + toleranceSeconds) {
      return invalid(`An assertion may live ${lifeSecondsMax} seconds.`);
    }
    const taken = await this.database.query(
      'insert into client_assertions (assertion_hash, expires_at) values ($1, $2) on conflict do nothing',
      [assertionHash, new Date((expiresAt + toleranceSeconds) * 1_000)],
    );
    return taken.rowCount === 1 ? ok(undefined) : invalid('The assertion was used before.');
  }

  async forgetOld(): Promise<void> {
    await this.database.query('delete from client_assertions where expires_at < $1', [new Date(this.clock.now())]);
  }
}

/** What the machine's people need to know, and nothing that helps somebody who does not have its key. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof errors.JWTExpired) return 'The assertion has run out.';
  if (error instanceof errors.JWTClaimValidationFailed) return `The claim ${error.claim} of the assertion is wrong.`;
  return undefined;
}

function invalid(detail: string | undefined) {
  return refuse('identity.client_invalid', detail === undefined ? {} : { detail });
}
