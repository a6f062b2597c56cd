import { ConfigError, type Environment, numberSetting, textSetting, urlSetting } from '@tsunagu/service-host';
import { defaultProgramme, defaultRule, type MyKeyIdRule } from './domain/my-key-id.js';
import { type LoginConfig, readLoginConfig } from './login-config.js';
import { readStaffLoginConfig, type StaffLoginConfig } from './staff-login-config.js';

export interface IdentityConfig {
  /** Where the issuer's revocation lists and link data are read. */
  readonly issuerUrl: string;
  /** Pinned CA certificates: `authentication-*.pem`, `signature-*.pem`. */
  readonly trustedAuthorities: string;
  /** A revocation list that was looked at, or a good OCSP answer that was read, so recently is not asked for again. */
  readonly listCacheMs: number;
  /** An issuer that did not answer about revocation is left alone for so long. */
  readonly issuerBreakMs: number;
  /** A card that is only held counts so long after it signed with its PIN. */
  readonly heldProofDays: number;
  /** Two persons' cards at one terminal within so long are a signal. */
  readonly twoCardsSeconds: number;
  /** What MyKey IDs look like, by programme. */
  readonly myKeyIdRules: Readonly<Record<string, MyKeyIdRule>>;
  /** Pause between two looks for likely doubles. */
  readonly detectorSeconds: number;
  /** Pause between two looks for persons' keys that an older master key wraps. */
  readonly rewrapSeconds: number;
  /** Hosts of member services that webhooks may go to; loopback where nothing is set, which only the test profile may call. */
  readonly webhookHosts: readonly string[];
  /** Pause between two looks for what is to be delivered. */
  readonly webhookEveryMs: number;
  /** A receiver that has not answered by then (real time) has not taken it. */
  readonly webhookTimeoutMs: number;
  /** Undefined where the platform offers no national login. */
  readonly login: LoginConfig | undefined;
  /** Undefined where staff do not log in through OpenID. */
  readonly staffLogin: StaffLoginConfig | undefined;
}

export function readConfig(env: Environment): IdentityConfig {
  return {
    issuerUrl: urlSetting(env, 'TSUNAGU_ISSUER_URL', ['http:', 'https:']),
    trustedAuthorities: textSetting(env, 'TSUNAGU_TRUSTED_CA_DIRECTORY'),
    listCacheMs: numberSetting(env, 'TSUNAGU_REVOCATION_LIST_CACHE_MS', { fallback: 500, min: 0, max: 3_600_000 }),
    issuerBreakMs: numberSetting(env, 'TSUNAGU_ISSUER_BREAK_MS', { fallback: 1_000, min: 0, max: 60_000 }),
    heldProofDays: numberSetting(env, 'TSUNAGU_HELD_PROOF_DAYS', { fallback: 90, min: 1, max: 3_650 }),
    twoCardsSeconds: numberSetting(env, 'TSUNAGU_TWO_CARDS_SECONDS', { fallback: 30, min: 0, max: 3_600 }),
    myKeyIdRules: { [defaultProgramme]: defaultRule, ...myKeyIdRules(env.TSUNAGU_MY_KEY_ID_RULES?.trim() || '{}') },
    detectorSeconds: numberSetting(env, 'TSUNAGU_DETECTOR_SECONDS', { fallback: 60, min: 1, max: 86_400 }),
    rewrapSeconds: numberSetting(env, 'TSUNAGU_REWRAP_SECONDS', { fallback: 60, min: 1, max: 86_400 }),
    webhookHosts: textSetting(env, 'TSUNAGU_WEBHOOK_HOSTS', '127.0.0.1,localhost,[::1]')
      .split(',')
      .map((host) => host.trim().toLowerCase())
      .filter((host) => host !== ''),
    webhookEveryMs: numberSetting(env, 'TSUNAGU_WEBHOOK_EVERY_MS', { fallback: 1_000, min: 10, max: 60_000 }),
    webhookTimeoutMs: numberSetting(env, 'TSUNAGU_WEBHOOK_TIMEOUT_MS', { fallback: 5_000, min: 100, max: 20_000 }),
    login: readLoginConfig(env),
    staffLogin: readStaffLoginConfig(env),
  };
}

/** `TSUNAGU_MY_KEY_ID_RULES`: a JSON object of MyKeyIdRule by programme; `default` may be changed too. */
function myKeyIdRules(text: string): Readonly<Record<string, MyKeyIdRule>> {
  const fault = new ConfigError(
    'TSUNAGU_MY_KEY_ID_RULES must be a JSON object: for each programme { "alphabet", "lengthMin", "lengthMax" }, lengths 4 to 64.',
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault;
  for (const rule of Object.values(value)) if (!isRule(rule)) throw fault;
  return value as Record<string, MyKeyIdRule>;
}

function isRule(value: unknown): value is MyKeyIdRule {
  const { alphabet, lengthMin, lengthMax } = (value ?? {}) as Record<string, unknown>;
  const isLength = (length: unknown): length is number =>
    Number.isInteger(length) && 4 <= Number(length) && Number(length) <= 64;
  return (
    typeof alphabet === 'string' &&
    /^[\x21-\x7e]{2,100}$/.test(alphabet) &&
    isLength(lengthMin) &&
    isLength(lengthMax) &&
    lengthMin <= lengthMax
  );
}
