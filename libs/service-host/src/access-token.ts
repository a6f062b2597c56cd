import { hash, KeyObject, randomUUID, verify } from 'node:crypto';
import { serviceNames } from '@tsunagu/contracts';
import { type Clock, isId, RecentMap } from '@tsunagu/kernel';
import { createRemoteJWKSet, errors, type JWTPayload, SignJWT } from 'jose';
import { type Caller, type Role, roles } from './caller.js';
import type { SigningKey } from './keyring.js';
import { Problem } from './problem.js';

export const tokenIssuer = 'tsunagu';
export const tokenAudience = 'tsunagu';

/** A bearer token is refused unread beyond this length. */
const TOKEN_CHARACTERS_MAX = 4_096;
/** Verified tokens kept by their hash, once or twice so many: about 40 MB when full. */
const CACHED_TOKENS = 50_000;
/** How far `iat` may lie ahead: processes follow a moved clock within a second. */
const ISSUED_AHEAD_SECONDS_MAX = 60;
/** A missing kid may cause one fetch of the key set in this time. */
const JWKS_COOLDOWN_MS = 1_000;
const JWKS_TIMEOUT_MS = 3_000;

/** Signs an access token: RS256, `at+jwt`, times by the platform's clock. */
export async function signAccessToken(
  key: SigningKey,
  claims: {
    subject: string;
    role: Role;
    ownerId?: string;
    ttlSeconds: number;
    tokenId?: string;
    terminalId?: string;
    providerId?: string | undefined;
  },
  clock: Clock,
): Promise<string> {
  const issuedAt = Math.floor(clock.now() / 1_000);
  const { role, ownerId, terminalId, providerId } = claims;
  return new SignJWT({
    role,
    ...(ownerId === undefined ? {} : { ownerId }),
    ...(terminalId && { terminal: terminalId }),
    ...(providerId && { provider: providerId }),
  })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: key.kid })
    .setIssuer(tokenIssuer)
    .setAudience(tokenAudience)
    .setSubject(claims.subject)
    .setJti(claims.tokenId ?? randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + claims.ttlSeconds)
    .sign(key.privateKey);
}

/**
 * Verifies access tokens against the platform's key set, which is kept through an outage of the service that serves it.
 * The signature is checked in place, for one algorithm: at a launch every claim brings a token that was not seen before, and
 * jose's way over another thread costs three times as much (page 0008).
 */
export class TokenVerifier {
  private readonly keys: ReturnType<typeof createRemoteJWKSet>;
  private readonly keyByKid = new Map<string, KeyObject>();
  private readonly verified = new RecentMap<string, Caller & { readonly issuedAt: number }>(CACHED_TOKENS);

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
    return this.keys.reload().then(() => {
      this.keyByKid.clear();
      this.verified.clear();
    });
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
    const { header, payload, signed, signature } = parseCompact(token);
    const { kid } = header;
    if (header.alg !== 'RS256' || header.typ !== 'at+jwt' || 'crit' in header || typeof kid !== 'string')
      throw invalid();
    if (!verify('sha256', signed, this.keyByKid.get(kid) ?? (await this.keyOf(kid)), signature)) throw invalid();
    if (payload.iss !== tokenIssuer || payload.aud !== tokenAudience) throw invalid();
    const caller = callerOf(payload, kid, this.profile);
    this.checkTimes(caller);
    this.verified.set(fingerprint(token), caller);
    return caller;
  }

  /** jose chooses from the key set; for a key that is not in it, it asks for the set again, at most once a second. */
  private async keyOf(kid: string): Promise<KeyObject> {
    try {
      const key = KeyObject.from(await this.keys({ alg: 'RS256', kid }));
      this.keyByKid.set(kid, key);
      return key;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) throw invalid();
      throw new Problem({ code: 'service.unavailable', detail: 'The keys that check access tokens cannot be read.' });
    }
  }

  private checkTimes(caller: { expiresAt: number; issuedAt: number }): void {
    const now = this.clock.now() / 1_000;
    if (now >= caller.expiresAt) throw tokenInvalid('The access token has run out.');
    if (caller.issuedAt > now + ISSUED_AHEAD_SECONDS_MAX) throw tokenInvalid('The access token is from the future.');
  }
}

/** RFC 7515 §3.1: three base64url parts; header and payload are JSON objects. */
function parseCompact(token: string) {
  const [head = '', body = '', mark = '', ...more] = token.split('.');
  if (more.length > 0) throw invalid();
  const signed = Buffer.from(`${head}.${body}`, 'latin1');
  return { header: jsonPart(head), payload: jsonPart(body), signed, signature: Buffer.from(mark, 'base64url') };
}

function jsonPart(part: string): JWTPayload {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (typeof value === 'object' && value !== null) return value as JWTPayload;
  } catch {
    // Said below.
  }
  throw invalid();
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
    const { terminal } = payload;
    if (terminal !== undefined && !isName(terminal)) throw tokenInvalid('The access token names no terminal.');
    const at = terminal === undefined ? {} : { terminalId: terminal };
    return { subject: sub, role, ownerId: null, actor: `person:${sub}`, ...at, ...times };
  }
  if (role === 'service') return { subject: sub, role, ownerId: null, actor: `service:${sub}`, ...times };
  const owner = ownerId === undefined && profile === 'test' ? 'demo' : ownerId;
  if (!isName(owner)) throw tokenInvalid('The access token names no owner.');
  const { provider } = payload;
  if (provider !== undefined && (role !== 'partner' || !isName(provider)))
    throw tokenInvalid('The access token names a provider that it cannot speak for.');
  const by = provider === undefined ? {} : { providerId: provider };
  return { subject: sub, role, ownerId: owner, actor: `staff:${sub}`, ...by, ...times };
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

function invalid(): Problem {
  return tokenInvalid('The access token is not valid.');
}

function tokenInvalid(detail: string): Problem {
  return new Problem({ code: 'auth.token_invalid', detail });
}
