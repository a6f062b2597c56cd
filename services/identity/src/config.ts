import { type Environment, numberSetting, textSetting, urlSetting } from '@tsunagu/service-host';
import { type LoginConfig, readLoginConfig } from './login-config.js';

export interface IdentityConfig {
  /** Where the issuer's revocation lists and link data are read. */
  readonly issuerUrl: string;
  /** Pinned CA certificates: `authentication-*.pem`, `signature-*.pem`. */
  readonly trustedAuthorities: string;
  /** A revocation list that was looked at so recently is not asked for again. */
  readonly listCacheMs: number;
  /** Undefined where the platform offers no national login. */
  readonly login: LoginConfig | undefined;
}

export function readConfig(env: Environment): IdentityConfig {
  return {
    issuerUrl: urlSetting(env, 'TSUNAGU_ISSUER_URL', ['http:', 'https:']),
    trustedAuthorities: textSetting(env, 'TSUNAGU_TRUSTED_CA_DIRECTORY'),
    listCacheMs: numberSetting(env, 'TSUNAGU_REVOCATION_LIST_CACHE_MS', { fallback: 500, min: 0, max: 3_600_000 }),
    login: readLoginConfig(env),
  };
}
