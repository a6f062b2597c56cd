import { ConfigError, type Environment, textSetting, urlSetting } from '@tsunagu/service-host';

/** The national login: whose it is, and who this platform is to it. */
export interface LoginConfig {
  /** The OpenID issuer, in the form that `URL` gives it: subjects are hashed with it. */
  readonly issuer: string;
  /** As people know it. */
  readonly name: string;
  readonly clientId: string;
  /** Where the login sends people back to: a page or an app's own scheme, without a query. */
  readonly redirectUri: string;
}

/** Undefined where no issuer is set. Throws ConfigError. */
export function readLoginConfig(env: Environment): LoginConfig | undefined {
  if (!env.TSUNAGU_LOGIN_ISSUER?.trim()) return undefined;
  const issuer = new URL(urlSetting(env, 'TSUNAGU_LOGIN_ISSUER', ['http:', 'https:']));
  if (issuer.protocol === 'http:' && !isLoopback(issuer)) {
    throw new ConfigError(
      'TSUNAGU_LOGIN_ISSUER must be a URL that starts with https://, unless it is on this machine.',
    );
  }
  const redirect = URL.parse(textSetting(env, 'TSUNAGU_LOGIN_REDIRECT_URI'));
  if (redirect?.search !== '' || redirect.hash !== '') {
    throw new ConfigError('TSUNAGU_LOGIN_REDIRECT_URI must be a URL without a query.');
  }
  return {
    issuer: issuer.href,
    name: textSetting(env, 'TSUNAGU_LOGIN_NAME', 'national login'),
    clientId: textSetting(env, 'TSUNAGU_LOGIN_CLIENT_ID'),
    redirectUri: redirect.href,
  };
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === '127.0.0.1' || hostname === '[::1]' || hostname === 'localhost';
}
