import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Where calls to providers may go. */
export interface TargetRules {
  /** Host names, or `host:port` where only one port may be reached. In lower case. */
  readonly allowedHosts: readonly string[];
  /** The test profile: plain http and loopback addresses may be called too. */
  readonly loopbackAllowed: boolean;
}

/** What is wrong with a provider's base URL; undefined when calls to it may be made. */
export function baseUrlFault(text: string, rules: TargetRules): string | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'is not a URL';
  }
  if (url.username || url.password || url.search || url.hash) return 'must have no credentials, query or fragment';
  if (url.protocol !== 'https:' && !(rules.loopbackAllowed && url.protocol === 'http:')) return 'must be https';
  const host = url.hostname.toLowerCase();
  if (!rules.allowedHosts.some((allowed) => allowed === host || allowed === url.host.toLowerCase()))
    return 'names a host that is not on the list of allowed hosts';
  return undefined;
}

/**
 * The address to connect to. It is resolved once, checked, and used for the connection itself, so that a name that
 * resolves differently a moment later leads nowhere else. Undefined when no resolved address may be called.
 */
export async function pinnedAddress(
  hostname: string,
  rules: TargetRules,
): Promise<{ address: string; family: 4 | 6 } | undefined> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) ? [{ address: host }] : await lookup(host, { all: true, verbatim: true });
  // One forbidden address among several is a sign of a forged answer: refuse them all.
  if (addresses.length === 0 || !addresses.every(({ address }) => mayCall(address, rules))) return undefined;
  const address = addresses[0]?.address ?? host;
  return { address, family: isIP(address) === 6 ? 6 : 4 };
}

function mayCall(address: string, rules: TargetRules): boolean {
  // `process` turns ::ffff:127.0.0.1 into 127.0.0.1; 'unicast' leaves out private, link-local, shared and reserved ranges.
  const range = ipaddr.process(address).range();
  return range === 'unicast' || (rules.loopbackAllowed && range === 'loopback');
}
