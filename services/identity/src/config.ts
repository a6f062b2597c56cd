import { type Environment, numberSetting, textSetting, urlSetting } from '@tsunagu/service-host';

export interface IdentityConfig {
  /** Where the issuer's revocation lists and link data are read. */
  readonly issuerUrl: string;
  /** Pinned CA certificates: `authentication-*.pem`, `signature-*.pem`. */
  readonly trustedAuthorities: string;
  /** A revocation list that was looked at, or a good OCSP answer that was read, so recently is not asked for again. */
  readonly listCacheMs: number;
  /** An issuer that did not answer about revocation is left alone for so long. */
  readonly issuerBreakMs: number;
}

export function readConfig(env: Environment): IdentityConfig {
  return {
    issuerUrl: urlSetting(env, 'TSUNAGU_ISSUER_URL', ['http:', 'https:']),
    trustedAuthorities: textSetting(env, 'TSUNAGU_TRUSTED_CA_DIRECTORY'),
    listCacheMs: numberSetting(env, 'TSUNAGU_REVOCATION_LIST_CACHE_MS', { fallback: 500, min: 0, max: 3_600_000 }),
    issuerBreakMs: numberSetting(env, 'TSUNAGU_ISSUER_BREAK_MS', { fallback: 1_000, min: 0, max: 60_000 }),
  };
}
