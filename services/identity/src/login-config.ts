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
  return {
    issuer: issuerSetting(env, 'TSUNAGU_LOGIN_ISSUER'),
    name: textSetting(env, 'TSUNAGU_LOGIN_NAME', 'national login'),
    clientId: textSetting(env, 'TSUNAGU_LOGIN_CLIENT_ID'),
    redirectUri: redirectSetting(env, 'TSUNAGU_LOGIN_REDIRECT_URI'),
  };
}

/** An OpenID issuer, in the one form that `URL` gives it. Throws ConfigError. */
export function issuerSetting(env: Environment, name: string): string {
  const issuer = new URL(urlSetting(env, name, ['http:', 'https:']));
  if (issuer.protocol === 'http:' && !isLoopback(issuer)) {
    throw new ConfigError(`${name} must be a URL that starts with https://, unless it is on this machine.`);
  }
  return issuer.href;
}

/** Throws ConfigError. */
export function redirectSetting(env: Environment, name: string): string {
  const redirect = URL.parse(textSetting(env, name));
  if (redirect?.search !== '' || redirect.hash !== '') throw new ConfigError(`${name} must be a URL without a query.`);
  return redirect.href;
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === '127.0.0.1' || hostname === '[::1]' || hostname === 'localhost';
}
