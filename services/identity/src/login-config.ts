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
  /** Where digests are registered to be signed in a login; undefined where the platform does not use that. */
  readonly signUrl: string | undefined;
}

/** Undefined where no issuer is set. Throws ConfigError. */
export function readLoginConfig(env: Environment): LoginConfig | undefined {
  if (!env.TSUNAGU_LOGIN_ISSUER?.trim()) return undefined;
  return {
    issuer: secureUrlSetting(env, 'TSUNAGU_LOGIN_ISSUER'),
    name: textSetting(env, 'TSUNAGU_LOGIN_NAME', 'national login'),
    clientId: textSetting(env, 'TSUNAGU_LOGIN_CLIENT_ID'),
    redirectUri: redirectSetting(env, 'TSUNAGU_LOGIN_REDIRECT_URI'),
    signUrl: env.TSUNAGU_LOGIN_SIGN_URL?.trim() ? secureUrlSetting(env, 'TSUNAGU_LOGIN_SIGN_URL') : undefined,
  };
}

/** An address of a login, such as an OpenID issuer, in the one form that `URL` gives it. Throws ConfigError. */
export function secureUrlSetting(env: Environment, name: string): string {
  const url = new URL(urlSetting(env, name, ['http:', 'https:']));
  if (url.protocol === 'http:' && !isLoopback(url)) {
    throw new ConfigError(`${name} must be a URL that starts with https://, unless it is on this machine.`);
  }
  return url.href;
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
