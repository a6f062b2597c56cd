import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** One person's way over a provider's own page: authorization code (RFC 6749 §4.1) with PKCE (RFC 7636). */
export interface Authorization {
  /** `<linkId>.<random>`: the page that is returned to can tell from it whose return it is. */
  readonly state: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
  /** Where the browser is sent. Holds the state and the challenge, not the verifier. */
  readonly authorizationUrl: string;
  /** What the page sent back; absent until then. */
  readonly code?: string;
}

export function newAuthorization(baseUrl: string, linkId: string, redirectUri: string): Authorization {
  const state = `${linkId}.${randomBytes(32).toString('base64url')}`;
  const codeVerifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'tsunagu',
    link_id: linkId,
    state,
    code_challenge: codeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    redirect_uri: redirectUri,
  });
  const authorizationUrl = `${baseUrl.replace(/\/+$/, '')}/tsunagu/v1/authorize?${query}`;
  return { state, codeVerifier, redirectUri, authorizationUrl };
}

export function codeChallenge(codeVerifier: string): string {
  return createHash('sha256').update(codeVerifier).digest('base64url');
}

/** Takes the same time wherever the two differ. */
export function sameText(one: string, other: string): boolean {
  const [left, right] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}
