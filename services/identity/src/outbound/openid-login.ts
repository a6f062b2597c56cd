import { ok, type Result, refuse } from '@tsunagu/kernel';
import type { SigningKey } from '@tsunagu/service-host';
import * as openid from 'openid-client';
import type { Logger } from 'pino';

/** What only this platform knows of a login that was begun. */
export interface LoginSecrets {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly verifier: string;
}

/** What the person's browser brought back. */
export interface LoginReturn {
  readonly code: string;
  /** RFC 9207; needed where the login says that it sends one. */
  readonly iss?: string | undefined;
}

export interface ProvenLogin {
  /** Pairwise: of this platform alone. Personal all the same: only its keyed hash is recorded. */
  readonly subject: string;
  /** Of the ID token. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Of the person: for what else the login tells of them. */
  readonly accessToken: string;
}

export type LoginRefusal = 'identity.login_invalid' | 'identity.login_unavailable';

/** Signatures of ID tokens that may be chosen from: no shared secrets, nothing unsigned. */
export const loginAlgorithms = ['ES256', 'RS256', 'PS256'] as const;

/** One issuer, who this platform is to it, and what it is asked. */
export interface OpenidClient {
  /** The OpenID issuer, in the form that `URL` gives it. */
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string;
  /** Separated by spaces; `openid` is one of them. */
  readonly scopes: string;
  /** Of ID tokens: no other one is taken. */
  readonly algorithm: (typeof loginAlgorithms)[number];
  /** In log lines: `national login`. */
  readonly called: string;
}

const timeoutSeconds = 5;
const answerBytesMax = 1_000_000;
/** The login's own description is read again after this long (real time). */
const describedMs = 600_000;
const retryAfterSeconds = 10;

interface Described {
  /** performance.now() */
  readonly at: number;
  /** Of the key that the configuration signs with. */
  readonly kid: string;
  readonly configuration: openid.Configuration;
}

/** The login did not answer, or said that it cannot: nothing is known of the person's proof. */
export class LoginUnreachable extends Error {}

/** It answered, and what came back proves nothing. The message says why in a few words without personal data. */
export class LoginRefused extends Error {}

/** Error codes of RFC 6749 §5.2 that speak of what the person brought. All others speak of this platform or of the login. */
const aboutTheReturn: readonly string[] = ['invalid_grant', 'access_denied'];
/** An answer that is not one of OpenID at all: an error page, a maintenance notice. */
const notAnAnswer: readonly string[] = [
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
];

/**
 * The client of an OpenID login: authorization code with PKCE S256, `private_key_jwt` and ID tokens of one algorithm. Its tokens are
 * checked, and its own assertions stamped, by the real clock: the login has no other one, as with the provider's signatures.
 */
export class OpenidLogin {
  private described: Described | undefined;
  private describing: Promise<Described> | undefined;

  constructor(
    protected readonly client: OpenidClient,
    private readonly key: () => Promise<SigningKey>,
    private readonly logger: Logger,
  ) {}

  /** Where the person's browser goes, and what must be kept until it comes back. */
  async begin(): Promise<Result<{ authorizationUrl: string; secrets: LoginSecrets }, LoginRefusal>> {
    return this.asked(async () => this.authorization(await this.configuration()));
  }

  protected async authorization(
    configuration: openid.Configuration,
    more: Readonly<Record<string, string>> = {},
  ): Promise<{ authorizationUrl: string; secrets: LoginSecrets }> {
    const secrets = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      verifier: openid.randomPKCECodeVerifier(),
    };
    const url = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: this.client.redirectUri,
      scope: this.client.scopes,
      state: secrets.state,
      nonce: secrets.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(secrets.verifier),
      code_challenge_method: 'S256',
      ...more,
    });
    return { authorizationUrl: url.href, secrets };
  }

  /** Exchanges the code and checks the ID token. */
  async complete({ code, iss }: LoginReturn, secrets: LoginSecrets): Promise<Result<ProvenLogin, LoginRefusal>> {
    return this.asked(async () => {
      const configuration = await this.configuration();
      const returned = new URL(this.client.redirectUri);
      returned.search = new URLSearchParams({
        code,
        state: secrets.state,
        ...(iss === undefined ? {} : { iss }),
      }).toString();
      const tokens = await openid.authorizationCodeGrant(configuration, returned, {
        expectedState: secrets.state,
        expectedNonce: secrets.nonce,
        pkceCodeVerifier: secrets.verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      return { subject: claims?.sub ?? '', claims: { ...claims }, accessToken: tokens.access_token };
    });
  }

  /** Tells an outage from a refusal. What the login or the library says may hold a token: only codes are logged. */
  protected async asked<T>(ask: () => Promise<T>): Promise<Result<T, LoginRefusal>> {
    try {
      return ok(await ask());
    } catch (error) {
      const { reason, isOutage } = judged(error);
      if (!isOutage) {
        this.logger.info({ reason }, `a ${this.client.called} was refused`);
        return refuse('identity.login_invalid');
      }
      this.logger.warn({ reason }, `the ${this.client.called} cannot be used`);
      return refuse('identity.login_unavailable', { retryAfterSeconds });
    }
  }

  /** The login's description, by which its keys are found too; an older one serves while it cannot be read. */
  protected async configuration(): Promise<openid.Configuration> {
    const key = await this.key();
    const known = this.described;
    if (known && known.kid === key.kid && performance.now() - known.at < describedMs) return known.configuration;
    this.describing ??= this.describe(key).finally(() => {
      this.describing = undefined;
    });
    try {
      this.described = await this.describing;
      return this.described.configuration;
    } catch (error) {
      if (known) return known.configuration;
      throw error instanceof LoginUnreachable ? error : new LoginUnreachable('description', { cause: error });
    }
  }

  private async describe({ kid, privateKey }: SigningKey): Promise<Described> {
    const { issuer, clientId, algorithm } = this.client;
    const key = privateKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
    const url = new URL(issuer);
    const configuration = await openid.discovery(
      url,
      clientId,
      { id_token_signed_response_alg: algorithm },
      openid.PrivateKeyJwt({ key, kid }),
      {
        // Without it the library trusts TLS for tokens that come straight from the login, and checks no signature.
        execute: [
          openid.enableNonRepudiationChecks,
          ...(url.protocol === 'http:' ? [openid.allowInsecureRequests] : []),
        ],
        timeout: timeoutSeconds,
        [openid.customFetch]: askLogin,
      },
    );
    return { at: performance.now(), kid, configuration };
  }
}

/** One question to the login: its whole answer, of a bounded size. Throws LoginUnreachable. */
async function askLogin(url: string, options: openid.CustomFetchOptions): Promise<Response> {
  let response: Response;
  const parts: Uint8Array[] = [];
  try {
    response = await fetch(url, options as RequestInit);
    let bytes = 0;
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += part.length;
      if (bytes > answerBytesMax) throw new Error('too much');
      parts.push(part);
    }
  } catch (error) {
    throw new LoginUnreachable('no answer', { cause: error });
  }
  if (response.status >= 500 || response.status === 429) throw new LoginUnreachable(`status ${response.status}`);
  const isEmpty = response.status === 204 || response.status === 304;
  return new Response(isEmpty ? null : Buffer.concat(parts), { status: response.status, headers: response.headers });
}

function judged(error: unknown): { reason: string; isOutage: boolean } {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof LoginUnreachable) return { reason: at.message, isOutage: true };
  }
  if (error instanceof LoginRefused) return { reason: error.message, isOutage: false };
  if (error instanceof openid.ResponseBodyError) {
    const reason = /^[a-z_]{1,40}$/.test(error.error) ? error.error : 'unknown error';
    return { reason, isOutage: !aboutTheReturn.includes(reason) };
  }
  if (error instanceof openid.ClientError) {
    const reason = error.code ?? 'refused';
    return { reason, isOutage: notAnAnswer.includes(reason) };
  }
  if (error instanceof openid.AuthorizationResponseError) return { reason: 'authorization', isOutage: false };
  if (error instanceof openid.WWWAuthenticateChallengeError) return { reason: 'challenge', isOutage: false };
  throw error;
}
