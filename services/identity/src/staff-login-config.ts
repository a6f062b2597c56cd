import { ConfigError, choiceSetting, type Environment, numberSetting, textSetting } from '@tsunagu/service-host';
import { type StaffMapping, staffRoles } from './domain/staff-member.js';
import { redirectSetting, secureUrlSetting } from './login-config.js';
import { loginAlgorithms, type OpenidClient } from './outbound/openid-login.js';

/** The staff login: whose it is, who this platform is to it, and what its claims mean here. */
export interface StaffLoginConfig {
  /** As staff know it. */
  readonly name: string;
  readonly client: OpenidClient;
  readonly mapping: StaffMapping;
  readonly sessionSeconds: number;
}

/** Undefined where no issuer is set. Throws ConfigError. */
export function readStaffLoginConfig(env: Environment): StaffLoginConfig | undefined {
  if (!env.TSUNAGU_STAFF_LOGIN_ISSUER?.trim()) return undefined;
  const scopes = textSetting(env, 'TSUNAGU_STAFF_LOGIN_SCOPES', 'openid');
  if (!scopes.split(' ').includes('openid')) throw new ConfigError('TSUNAGU_STAFF_LOGIN_SCOPES must name openid.');
  return {
    name: textSetting(env, 'TSUNAGU_STAFF_LOGIN_NAME', 'staff login'),
    client: {
      issuer: secureUrlSetting(env, 'TSUNAGU_STAFF_LOGIN_ISSUER'),
      clientId: textSetting(env, 'TSUNAGU_STAFF_LOGIN_CLIENT_ID'),
      redirectUri: redirectSetting(env, 'TSUNAGU_STAFF_LOGIN_REDIRECT_URI'),
      scopes,
      algorithm: choiceSetting(env, 'TSUNAGU_STAFF_LOGIN_ALGORITHM', loginAlgorithms, 'ES256'),
      called: 'staff login',
    },
    mapping: mappingOf(textSetting(env, 'TSUNAGU_STAFF_LOGIN_MAPPING')),
    // Ends are remembered for a day by every service: a session must run out by itself before.
    sessionSeconds: 60 * numberSetting(env, 'TSUNAGU_STAFF_SESSION_MINUTES', { fallback: 480, min: 5, max: 1_380 }),
  };
}

function mappingOf(text: string): StaffMapping {
  const fault = new ConfigError(
    `TSUNAGU_STAFF_LOGIN_MAPPING must be a JSON object { "roleClaim", "roles", "owner" }: roles gives ${staffRoles.join(', ')} by value, owner is { "id" } or { "claim", "owners" }.`,
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault;
  }
  const { roleClaim, roles, owner, ...more } = plain(value);
  if (Object.keys(more).length > 0 || !isName(roleClaim) || !isOwner(plain(owner))) throw fault;
  const given = Object.values(plain(roles));
  if (given.length === 0 || !given.every((role) => staffRoles.some((each) => each === role))) throw fault;
  return value as StaffMapping;
}

function isOwner({ id, claim, owners, ...more }: Record<string, unknown>): boolean {
  if (Object.keys(more).length > 0) return false;
  if (id !== undefined) return isName(id) && claim === undefined && owners === undefined;
  const given = Object.values(plain(owners));
  return isName(claim) && given.length > 0 && given.every(isName);
}

function plain(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** As an access token may carry it. */
function isName(text: unknown): text is string {
  return typeof text === 'string' && /^[^\p{C}]{1,100}$/u.test(text);
}
