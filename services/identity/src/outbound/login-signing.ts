import { hash } from 'node:crypto';
import * as openid from 'openid-client';
import { LoginRefused, LoginUnreachable } from './openid-login.js';

/** What the login's signing function gave: nothing of it is believed yet. */
export interface LoginSignature {
  /** Of the card that signed: the digital-signature certificate, DER. */
  readonly certificate: Buffer;
  readonly signature: Buffer;
}

const scope = 'sign';
const idPattern = /^[A-Za-z0-9-]{1,100}$/;
/** Characters of base64: a certificate of 6 KB, a signature of 525 bytes, as in a session. */
const certificateMax = 8_192;
const signatureMax = 700;

/**
 * The login's signing function: this platform registers a digest with a token of its own, the person's card signs it while they log
 * in, and their token gives what came of it. The docs page says which of these names are assumed: they stand in this file alone.
 */
export class LoginSigning {
  constructor(
    private readonly url: string,
    private readonly clientId: string,
  ) {}

  /** Has the SHA-256 of these bytes signed in the next login that names the transaction. Throws LoginUnreachable. */
  async register(configuration: openid.Configuration, message: Buffer): Promise<string> {
    const { access_token: token } = await openid.clientCredentialsGrant(configuration, { scope });
    const digest = hash('sha256', message, 'base64');
    const body = JSON.stringify({ client_id: this.clientId, digest });
    const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json' });
    const url = new URL(this.url);
    const response = await openid.fetchProtectedResource(configuration, token, url, 'POST', body, headers);
    if (!response.ok) throw new LoginUnreachable(`signing: status ${response.status}`);
    const { sign_transaction_id: transactionId } = await objectOf(response);
    if (typeof transactionId !== 'string' || !idPattern.test(transactionId)) {
      throw new LoginUnreachable('signing: an unknown form');
    }
    return transactionId;
  }

  /** The parameters by which an authorization request names the transaction. */
  parameters(scopes: string, transactionId: string): Readonly<Record<string, string>> {
    return { scope: `${scopes} ${scope}`, sign_transaction_id: transactionId };
  }

  /** What was signed in the login that gave the token. Throws LoginRefused where nothing was, LoginUnreachable. */
  async result(
    configuration: openid.Configuration,
    transactionId: string,
    accessToken: string,
  ): Promise<LoginSignature> {
    const url = new URL(`${this.url.replace(/\/+$/, '')}/${transactionId}/result`);
    const headers = new Headers({ accept: 'application/json' });
    const response = await openid.fetchProtectedResource(configuration, accessToken, url, 'GET', undefined, headers);
    if (!response.ok) throw new LoginRefused(`signing: status ${response.status}`);
    const answer = await objectOf(response);
    const certificate = bytesOf(answer.certificate, certificateMax);
    const signature = bytesOf(answer.signature, signatureMax);
    if (!certificate || !signature) throw new LoginUnreachable('signing: an unknown form');
    return { certificate, signature };
  }
}

async function objectOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  try {
    return ((await response.json()) as Record<string, unknown> | null) ?? {};
  } catch (error) {
    throw new LoginUnreachable('signing: no JSON', { cause: error });
  }
}

function bytesOf(value: unknown, charactersMax: number): Buffer | undefined {
  const isBase64 = typeof value === 'string' && value.length <= charactersMax && /^[A-Za-z0-9+/]+={0,2}$/.test(value);
  return isBase64 ? Buffer.from(value, 'base64') : undefined;
}
