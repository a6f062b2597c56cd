import { generateKeyPairSync } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JWK } from 'jose';
import Provider, { type OidcContext } from 'oidc-provider';
import { approvalPage, donePage, startPage } from './development-pages.js';
import { loginStore } from './login-store.js';

export interface DevelopmentLoginSettings {
  /** Where the platform answers. */
  readonly platformUrl: string;
  /** The first path segment that the login stands under. */
  readonly segment: string;
  readonly clientId: string;
  /** The keys that the platform proves itself with. By value: oidc-provider asks no loopback address for them. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** What a member of staff may be. */
  readonly roles: readonly string[];
}

const formBytesMax = 4_096;
const lifeSeconds = 600;

/**
 * A login of staff for development: an OpenID Provider on whose page one writes who one is and chooses one's roles, without a
 * password. `GET /` begins a login at the platform and `GET /done` completes it, so that a browser goes the whole way.
 */
export class DevelopmentLogin {
  private readonly accounts = new Map<string, readonly string[]>();
  private readonly handleOpenid: (request: IncomingMessage, response: ServerResponse) => Promise<void>;

  constructor(private readonly settings: DevelopmentLoginSettings) {
    const { platformUrl, segment, clientId, jwks } = settings;
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const client = {
      client_id: clientId,
      redirect_uris: [`${platformUrl}/${segment}/done`],
      jwks,
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
    };
    const models = ['AccessToken', 'AuthorizationCode', 'Grant', 'IdToken', 'Interaction', 'Session'];
    const provider = new Provider(`${platformUrl}/${segment}`, {
      jwks: { keys: [{ ...key, kid: 'development', use: 'sig', alg: 'ES256' }] },
      scopes: ['openid'],
      claims: { openid: ['sub', 'roles'] },
      conformIdTokenClaims: false,
      findAccount: (_: unknown, accountId: string) => ({
        accountId,
        claims: () => ({ sub: accountId, roles: this.accounts.get(accountId) ?? [] }),
      }),
      pkce: { required: () => true },
      clientAuthMethods: ['private_key_jwt'],
      enabledJWA: { clientAuthSigningAlgValues: ['ES256'], idTokenSigningAlgValues: ['ES256'] },
      features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
      interactions: { url: (_: unknown, { uid }: { uid: string }) => `/${segment}/interaction/${uid}` },
      ttl: Object.fromEntries(models.map((model) => [model, lifeSeconds])),
      adapter: loginStore([client]),
      cookies: { keys: ['of a development login'] },
    });
    provider.use(async (context, next) => {
      if (context.path.startsWith('/interaction/')) return this.interact(provider, context);
      return next();
    });
    this.handleOpenid = provider.callback();
  }

  async handle(request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): Promise<void> {
    const { segment, roles } = this.settings;
    const { pathname, search } = new URL(request.url ?? '/', this.settings.platformUrl);
    const path = pathname.slice(segment.length + 1) || '/';
    if (request.method === 'GET' && path === '/') return html(response, startPage(segment, roles));
    if (request.method === 'GET' && path === '/done') return html(response, donePage(segment));
    // As the provider expects it of what it is mounted in.
    request.originalUrl = `${pathname}${search}`;
    request.url = `${path}${search}`;
    await this.handleOpenid(request, response);
  }

  /** The page on which one says who one is: shown, then taken. */
  private async interact(provider: Provider, context: OidcContext): Promise<void> {
    const { req, res } = context;
    context.respond = false;
    const { params } = await provider.interactionDetails(req, res);
    if (req.method !== 'POST') return html(res, approvalPage(this.settings.roles));
    const form = new URLSearchParams(await text(req));
    const accountId = form.get('subject')?.trim().slice(0, 100) || 'developer';
    this.accounts.set(accountId, form.getAll('roles'));
    const grant = new provider.Grant({ accountId, clientId: params.client_id ?? '' });
    grant.addOIDCScope('openid');
    // Not remembered: every login shows the page, so that one can be somebody else.
    const login = { accountId, remember: false };
    await provider.interactionFinished(req, res, { login, consent: { grantId: await grant.save() } });
  }
}

async function text(request: IncomingMessage): Promise<string> {
  let form = '';
  for await (const part of request) {
    form += String(part);
    if (form.length > formBytesMax) break;
  }
  return form;
}

function html(response: ServerResponse, page: string): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(page);
}
