import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, type JWTPayload, SignJWT } from 'jose';
import Provider, { type OidcContext } from 'oidc-provider';
import {
  type ClaimsFrom,
  loginConfiguration,
  loginScopes,
  type SimulatedAccount,
  type SimulatedClient,
} from './login-configuration.js';
import { type SigningCard, SimulatedSigning } from './login-signing.js';
import { followLogin } from './login-steps.js';

export { pairwiseSubject } from './login-configuration.js';
export type { SigningCard } from './login-signing.js';

/** How the login misbehaves in a test. */
export interface LoginMode {
  /** `down`: no answer at all. The others: that endpoint alone answers 500. */
  outage: 'none' | 'down' | 'token' | 'me' | 'jwks' | 'sign-transactions';
  /** What is wrong with the next ID tokens. All but `algorithm`, `unsigned` and `key` are signed with the login's own key. */
  idToken: 'good' | 'nonce' | 'issuer' | 'audience' | 'subject' | 'expired' | 'algorithm' | 'unsigned' | 'key' | 'none';
}

/**
 * The national login for specs: an OpenID Provider as DOMAIN §3 says (authorization code, PKCE, private_key_jwt, ES256, pairwise
 * subjects, its scopes, its signing function). The person's side is `authorize`: it follows the redirects and approves as an account. Its clock is the real one.
 */
export class SimulatedLogin {
  mode: LoginMode = { outage: 'none', idToken: 'good' };
  readonly accounts = new Map<string, SimulatedAccount>();
  readonly signing = new SimulatedSigning({
    client: async (token) => (await this.provider?.ClientCredentials.find(token))?.clientId,
    person: async (token) => this.provider?.AccessToken.find(token),
  });
  private provider: Provider | undefined;
  private readonly keys = {
    login: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    stranger: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  };
  private handle: ((request: IncomingMessage, response: ServerResponse) => Promise<void>) | undefined;

  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {}

  /** Listens; its clients are named afterwards by `serve`, when their own addresses are known. */
  static async listen(): Promise<SimulatedLogin> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const login = new SimulatedLogin(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => void login.answer(request, response));
    return login;
  }

  serve(clients: readonly SimulatedClient[], claimsFrom: ClaimsFrom = 'userInformation'): void {
    const provider = new Provider(
      this.issuer,
      loginConfiguration({ clients, accounts: this.accounts, keys: [this.keys.login, this.keys.rsa], claimsFrom }),
    );
    provider.use(async (context, next) => {
      if (context.path.startsWith('/interaction/')) return this.interact(provider, context);
      await next();
      if (context.oidc?.route === 'token') await this.spoil(context);
    });
    this.provider = provider;
    this.handle = provider.callback();
  }

  /** Where clients register digests to be signed. */
  get signUrl(): string {
    return `${this.issuer}/sign-transactions`;
  }

  /** A new account with these claims; what is left out is unknown to the login. With `card` it can sign. Returns its id. */
  account(claims: SimulatedAccount = {}, card?: SigningCard): string {
    const accountId = randomUUID();
    this.accounts.set(accountId, claims);
    if (card) this.signing.cards.set(accountId, card);
    return accountId;
  }

  /** What the person's app does: opens the URL, approves as the account, and comes back with the redirect's parameters. */
  authorize(authorizationUrl: string, accountId: string): Promise<Record<string, string>> {
    return followLogin(this.issuer, authorizationUrl, accountId);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { outage } = this.mode;
    if (outage === 'down' || !this.handle) return void response.destroy();
    if (outage !== 'none' && request.url?.startsWith(`/${outage}`)) return void response.writeHead(500).end();
    if (request.url?.startsWith('/sign-transactions')) return this.signing.handle(request, response);
    await this.handle(request, response);
  }

  /** The page on which a person approves: everything asked for is granted. `authorize` names the account in the address at once. */
  private async interact(provider: Provider, context: OidcContext): Promise<void> {
    const { req, res } = context;
    const accountId = new URL(req.url ?? '', this.issuer).searchParams.get('account');
    const { params } = await provider.interactionDetails(req, res);
    if (accountId === null) {
      context.respond = false;
      res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(approvalPage(this.accounts.keys()));
      return;
    }
    if (params.sign_transaction_id) this.signing.sign(params.sign_transaction_id, params.client_id ?? '', accountId);
    const grant = new provider.Grant({ accountId, clientId: params.client_id ?? '' });
    grant.addOIDCScope(loginScopes.join(' '));
    context.respond = false;
    await provider.interactionFinished(req, res, { login: { accountId }, consent: { grantId: await grant.save() } });
  }

  private async spoil(context: OidcContext): Promise<void> {
    const body = context.body as { id_token?: string };
    const { idToken } = this.mode;
    if (idToken === 'good' || body.id_token === undefined) return;
    if (idToken === 'none') {
      delete body.id_token;
      return;
    }
    const claims = { ...decodeJwt(body.id_token), ...wrongClaims[idToken] };
    if (idToken === 'unsigned') body.id_token = `${part({ alg: 'none' })}.${part(claims)}.`;
    else if (idToken === 'algorithm') body.id_token = await sign(claims, 'RS256', this.keys.rsa, 'login-rsa');
    else if (idToken === 'key') body.id_token = await sign(claims, 'ES256', this.keys.stranger, 'login-ec');
    else body.id_token = await sign(claims, 'ES256', this.keys.login, 'login-ec');
  }
}

/** Account ids are made here: nothing needs escaping. */
function approvalPage(accountIds: Iterable<string>): string {
  const choices = [...accountIds].map((id) => `<option>${id}</option>`).join('');
  return `<!doctype html><html lang="en"><title>Simulated login</title>
    <form><label>Account <select name="account">${choices}</select></label> <button>Approve</button></form></html>`;
}

const wrongClaims: Partial<Record<LoginMode['idToken'], JWTPayload>> = {
  nonce: { nonce: 'of-another-login' },
  issuer: { iss: 'https://login.invalid' },
  audience: { aud: 'another-client' },
  subject: { sub: 'somebody-else' },
  expired: { iat: 1_700_000_000, exp: 1_700_000_300 },
};

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function sign(claims: JWTPayload, alg: string, key: KeyObject, kid: string): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key);
}
