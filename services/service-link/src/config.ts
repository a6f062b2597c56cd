import { ConfigError, type Environment, numberSetting, textSetting } from '@tsunagu/service-host';
import type { AttemptLimit, AttemptLimits } from './domain/attempt-limits.js';

const hourSeconds = 3_600;
const loopbacks: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

export interface ServiceLinkConfig {
  /** Hosts that calls to providers may go to; loopback where nothing is set, which only the test profile may call. */
  readonly providerHosts: readonly string[];
  /** Pages that a provider's own page may send a person back to, compared as they are; empty: there is no way over such pages. */
  readonly returnUrls: readonly string[];
  /** A link that the provider has not answered by then is refused. */
  readonly linkTtlHours: number;
  /** Real time between two looks for links that nobody works on, and for erasures that are not done. */
  readonly sweepSeconds: number;
  /** Pause between two looks for persons' keys that an older master key wraps. */
  readonly rewrapSeconds: number;
  readonly codeAttempts: AttemptLimits;
  /** A provider's word on a security code is shown no earlier than so long after it was asked, on the real clock. */
  readonly codeAnswerFloorMs: number;
}

export function readConfig(env: Environment): ServiceLinkConfig {
  return {
    providerHosts: textSetting(env, 'TSUNAGU_PROVIDER_HOSTS', '127.0.0.1,localhost,[::1]')
      .split(',')
      .map((host) => host.trim().toLowerCase())
      .filter((host) => host !== ''),
    returnUrls: textSetting(env, 'TSUNAGU_LINK_RETURN_URLS', '')
      .split(',')
      .map((url) => url.trim())
      .filter((url) => url !== '')
      .map(returnUrl),
    linkTtlHours: numberSetting(env, 'TSUNAGU_LINK_TTL_HOURS', { fallback: 24, min: 1, max: 720 }),
    sweepSeconds: numberSetting(env, 'TSUNAGU_LINK_SWEEP_SECONDS', { fallback: 30, min: 1, max: 3600 }),
    rewrapSeconds: numberSetting(env, 'TSUNAGU_REWRAP_SECONDS', { fallback: 60, min: 1, max: 86_400 }),
    codeAttempts: {
      account: limit(env, 'TSUNAGU_WRONG_CODES_PER_ACCOUNT_HOUR', 5, hourSeconds),
      person: limit(env, 'TSUNAGU_WRONG_CODES_PER_PERSON_DAY', 10, 24 * hourSeconds),
      terminal: limit(env, 'TSUNAGU_WRONG_CODES_PER_TERMINAL_HOUR', 20, hourSeconds),
    },
    codeAnswerFloorMs: numberSetting(env, 'TSUNAGU_CODE_ANSWER_FLOOR_MS', { fallback: 400, min: 0, max: 2_000 }),
  };
}

/** A page that a code may be sent to: not over a network in the clear. */
function returnUrl(text: string): string {
  const url = URL.parse(text);
  const isPrivate = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopbacks.includes(url.hostname));
  if (!isPrivate || url.hash !== '' || url.username !== '')
    throw new ConfigError('TSUNAGU_LINK_RETURN_URLS must be https URLs without fragment, or http on this machine.');
  return text;
}

function limit(env: Environment, name: string, fallback: number, windowSeconds: number): AttemptLimit {
  return { wrongMax: numberSetting(env, name, { fallback, min: 1, max: 10_000 }), windowSeconds };
}
