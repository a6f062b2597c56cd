import { type Environment, numberSetting, textSetting } from '@tsunagu/service-host';

export interface ServiceLinkConfig {
  /** Hosts that calls to providers may go to; loopback where nothing is set, which only the test profile may call. */
  readonly providerHosts: readonly string[];
  /** A link that the provider has not answered by then is refused. */
  readonly linkTtlHours: number;
  /** Real time between two looks for links that nobody works on. */
  readonly sweepSeconds: number;
}

export function readConfig(env: Environment): ServiceLinkConfig {
  return {
    providerHosts: textSetting(env, 'TSUNAGU_PROVIDER_HOSTS', '127.0.0.1,localhost,[::1]')
      .split(',')
      .map((host) => host.trim().toLowerCase())
      .filter((host) => host !== ''),
    linkTtlHours: numberSetting(env, 'TSUNAGU_LINK_TTL_HOURS', { fallback: 24, min: 1, max: 720 }),
    sweepSeconds: numberSetting(env, 'TSUNAGU_LINK_SWEEP_SECONDS', { fallback: 30, min: 1, max: 3600 }),
  };
}
