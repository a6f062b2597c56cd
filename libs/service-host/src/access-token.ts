import { hash, randomUUID } from 'node:crypto';
import { serviceNames } from '@tsunagu/contracts';
import { type Clock, isId } from '@tsunagu/kernel';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { type Caller, type Role, roles } from './caller.js';
import type { SigningKey } from './keyring.js';
import { Problem } from './problem.js';

export const tokenIssuer = 'tsunagu';
export const tokenAudience = 'tsunagu';

/** A bearer token is refused unread beyond this length. */
const TOKEN_CHARACTERS_MAX = 4_096;
/** Verified tokens kept by their hash, oldest out first: about 40 MB when full. */
const CACHED_TOKENS_MAX = 100_000;
/** How far `iat` may lie ahead: processes follow a moved clock within a second. */
const ISSUED_AHEAD_SECONDS_MAX = 60;
/** A missing kid may cause one fetch of the key set in this time. */
const JWKS_COOLDOWN_MS = 1_000;
const JWKS_TIMEOUT_MS = 3_000;

/** Signs an access token: RS256, `at+jwt`, times by the platform's clock. */
export async function signAccessToken(
  key: SigningKey,
  claims: { subject: string; role: Role; ownerId?: string; ttlSeconds: number; tokenId?: string },
  clock: Clock,
): Promise<string> {
  const issuedAt = Math.floor(clock.now() / 1_000);
  return new SignJWT({ role: claims.role, ...(claims.ownerId === undefined ? {} : { ownerId: claims.ownerId }) })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: key.kid })
    .setIssuer(tokenIssuer)
    .setAudience(tokenAudience)
    .setSubject(claims.subject)
    .setJti(claims.tokenId ?? randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + claims.ttlSeconds)
    .sign(key.privateKey);
}

/** Verifies access tokens against the platform's key set, which is kept through an outage of the service that serves it. */
export class TokenVerifier {
  private readonly keys: ReturnType<typeof createRemoteJWKSet>;
  private readonly verified = new Map<string, Caller & { readonly issuedAt: number }>();

  constructor(
    jwksUrl: string,
    private readonly clock: Clock,
    private readonly profile: 'test' | 'production',
  ) {
    this.keys = createRemoteJWKSet(new URL(jwksUrl), {
      cacheMaxAge: Number.POSITIVE_INFINITY,
      cooldownDuration: JWKS_COOLDOWN_MS,
      timeoutDuration: JWKS_TIMEOUT_MS,
    });
  }

  /** Reads the key set again, so that a key taken out of it is forgotten. Rejects when it cannot be read; the old one then stays. */
  reloadKeys(): Promise<void> {
    return this.keys.reload().then(() => this.verified.clear());
  }

  get hasKeys(): boolean {
    return this.keys.jwks() !== undefined;
  }

  /** The caller of a token verified before, while it is valid; undefined when it must be verified. Throws Problem when it has run out. */
  known(token: string): Caller | undefined {
    const caller = this.verified.get(fingerprint(token));
    if (caller) this.checkTimes(caller);
    return caller;
  }

  /** Throws Problem `auth.token_invalid`, or `service.unavailable` when the keys cannot be read. */
  async verify(token: string): Promise<Caller> {
    if (token.length > TOKEN_CHARACTERS_MAX) throw tokenInvalid('The access token is too long.');
    const { payload, kid } = await this.checkSignature(token);
    const caller = callerOf(payload, kid, this.profile);
    this.checkTimes(caller);
    if (this.verified.size >= CACHED_TOKENS_MAX) {
      for (const oldest of this.verified.keys()) {
        this.verified.delete(oldest);
        break;
      }
    }
    this.verified.set(fingerprint(token), caller);
    return caller;
  }

  private async checkSignature(token: string): Promise<{ payload: JWTPayload; kid: string }> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.keys, {
        algorithms: ['RS256'],
        typ: 'at+jwt',
        issuer: tokenIssuer,
        audience: tokenAudience,
        requiredClaims: ['sub', 'role', 'jti', 'iat', 'exp'],
        currentDate: new Date(this.clock.now()),
      });
      return { payload, kid: protectedHeader.kid ?? '' };
    } catch (error) {
      if (
        error instanceof errors.JOSEError &&
        !(error instanceof errors.JWKSTimeout) &&
        error.code !== 'ERR_JOSE_GENERIC'
      ) {
        throw tokenInvalid('The access token is not valid.');
      }
      throw new Problem({ code: 'service.unavailable', detail: 'The keys that check access tokens cannot be read.' });
    }
  }

  private checkTimes(caller: { expiresAt: number; issuedAt: number }): void {
    const now = this.clock.now() / 1_000;
    if (now >= caller.expiresAt) throw tokenInvalid('The access token has run out.');
    if (caller.issuedAt > now + ISSUED_AHEAD_SECONDS_MAX) throw tokenInvalid('The access token is from the future.');
  }
}

function fingerprint(token: string): string {
  return hash('sha256', token, 'base64url');
}

const CITIZEN_KEY_ROLES: readonly Role[] = ['citizen', 'kiosk'];

/** Who a verified token names; the key that signed it must be one for that role. */
function callerOf(payload: JWTPayload, kid: string, profile: 'test' | 'production'): Caller & { issuedAt: number } {
  const { sub, jti, iat, exp } = payload;
  const role = roles.find((each) => each === payload.role);
  const { ownerId } = payload;
  if (!role || !isName(sub) || !isName(jti) || !Number.isInteger(iat) || !Number.isInteger(exp)) {
    throw tokenInvalid('The access token lacks a claim.');
  }
  if (!keyFits(kid, role, sub)) throw tokenInvalid('The access token was signed by a key for another use.');
  const times = { tokenId: jti, expiresAt: Number(exp), issuedAt: Number(iat) };
  if (role === 'citizen') {
    if (!isId(sub)) throw tokenInvalid('The access token names no person.');
    return { subject: sub, role, ownerId: null, actor: `person:${sub}`, ...times };
  }
  if (role === 'service') return { subject: sub, role, ownerId: null, actor: `service:${sub}`, ...times };
  const owner = ownerId === undefined && profile === 'test' ? 'demo' : ownerId;
  if (!isName(owner)) throw tokenInvalid('The access token names no owner.');
  return { subject: sub, role, ownerId: owner, actor: `staff:${sub}`, ...times };
}

function keyFits(kid: string, role: Role, subject: string): boolean {
  if (role === 'service') {
    return serviceNames.some((name) => name === subject) && kid.startsWith(`service-${subject}-`);
  }
  if (kid.startsWith('citizen-')) return CITIZEN_KEY_ROLES.includes(role);
  return kid.startsWith('staff-') && role !== 'citizen';
}

/** Printable text of 1–100 characters. */
function isName(text: unknown): text is string {
  return typeof text === 'string' && /^[^\p{C}]{1,100}$/u.test(text);
}

function tokenInvalid(detail: string): Problem {
  return new Problem({ code: 'auth.token_invalid', detail });
}
