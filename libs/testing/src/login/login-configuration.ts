import { createHash, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { loginStore } from './login-store.js';

/** Claims as the login's user information gives them. */
export interface SimulatedAccount {
  readonly name?: unknown;
  readonly address?: unknown;
  readonly birthdate?: unknown;
  readonly gender?: unknown;
  /** Of staff: these are told in the ID token. */
  readonly groups?: unknown;
  readonly org?: unknown;
  readonly email?: unknown;
}

export interface SimulatedClient {
  readonly clientId: string;
  readonly redirectUri: string;
  /** The keys that the client proves itself with. */
  readonly jwks: { readonly keys: readonly JWK[] };
}

/** Where the login tells claims. */
export type ClaimsFrom = 'userInformation' | 'idToken';

export const loginScopes = ['openid', 'name', 'address', 'birthdate', 'gender', 'sign', 'staff'];
const lifeSeconds = 300;

/** Settings of oidc-provider for a login as DOMAIN §3 describes it. */
export function loginConfiguration(login: {
  clients: readonly SimulatedClient[];
  accounts: ReadonlyMap<string, SimulatedAccount>;
  /** The first signs ID tokens; the second is published too, so that a token of another algorithm is refused for that alone. */
  keys: readonly [ec: KeyObject, rsa: KeyObject];
  claimsFrom: ClaimsFrom;
}): Readonly<Record<string, unknown>> {
  const [ec, rsa] = login.keys;
  return {
    jwks: {
      keys: [
        { ...ec.export({ format: 'jwk' }), kid: 'login-ec', use: 'sig', alg: 'ES256' },
        { ...rsa.export({ format: 'jwk' }), kid: 'login-rsa', use: 'sig', alg: 'RS256' },
      ],
    },
    scopes: loginScopes,
    claims: {
      openid: ['sub'],
      name: ['name'],
      address: ['address'],
      birthdate: ['birthdate'],
      gender: ['gender'],
      staff: ['groups', 'org', 'email'],
    },
    // A login of staff tells groups in the ID token itself; the national one tells nothing there.
    conformIdTokenClaims: login.claimsFrom !== 'idToken',
    findAccount: (_: unknown, accountId: string) => {
      const claims = login.accounts.get(accountId);
      return claims && { accountId, claims: () => ({ sub: accountId, ...claims }) };
    },
    subjectTypes: ['pairwise'],
    pairwiseIdentifier: (_: unknown, accountId: string, { clientId }: { clientId: string }) =>
      pairwiseSubject(clientId, accountId),
    pkce: { required: () => true },
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['ES256'], idTokenSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
    },
    extraParams: ['sign_transaction_id'],
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    ttl: Object.fromEntries(
      ['AccessToken', 'AuthorizationCode', 'ClientCredentials', 'Grant', 'IdToken', 'Interaction', 'Session'].map(
        (model) => [model, lifeSeconds],
      ),
    ),
    adapter: loginStore(login.clients.map(clientMetadata)),
    cookies: { keys: ['of a simulated login'] },
  };
}

/** What a client is told instead of the account's id. */
export function pairwiseSubject(clientId: string, accountId: string): string {
  return createHash('sha256').update(`${clientId} ${accountId}`).digest('base64url');
}

function clientMetadata({ clientId, redirectUri, jwks }: SimulatedClient) {
  return {
    client_id: clientId,
    redirect_uris: [redirectUri],
    jwks,
    response_types: ['code'],
    grant_types: ['authorization_code', 'client_credentials'],
    subject_type: 'pairwise',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    id_token_signed_response_alg: 'ES256',
    scope: loginScopes.join(' '),
  };
}
