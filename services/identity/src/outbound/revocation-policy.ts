import { isoTime, japanDayOf } from '@tsunagu/kernel';
import type { RevocationAnswer, RevocationPolicy } from './issuer.js';
import type { OcspStatus } from './ocsp-message.js';

/** What the list of the certificate's issuing point says of it. */
export interface Listed {
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** Present where the certificate stands in it. */
  readonly entry: { readonly reason: string; readonly sinceMs: number } | undefined;
}

export interface Sources {
  /** Undefined: no answer that counts. */
  readonly ocsp: OcspStatus | undefined;
  readonly list: Listed | undefined;
  readonly policy: RevocationPolicy;
  readonly nowMs: number;
}

const readingAgeMsMax = 48 * 3_600_000;

/** Whether a list that does not name the certificate is recent enough to call it good. */
const isListEnough = {
  /** A list up to 48 h old, whatever its nextUpdate: the daily list may be a day late. */
  reading: ({ thisUpdateMs }: Listed, nowMs: number) => thisUpdateMs >= nowMs - readingAgeMsMax,
  /** Today's list, by the day in Japan. */
  claim: ({ thisUpdateMs, nextUpdateMs }: Listed, nowMs: number) =>
    japanDayOf(thisUpdateMs) === japanDayOf(nowMs) && nowMs <= nextUpdateMs,
  exchange: () => false,
} as const satisfies Record<RevocationPolicy, (list: Listed, nowMs: number) => boolean>;

/**
 * The policy by operation (DOMAIN §3). Whoever says revoked is believed, however old the answer: what was revoked stays so. A certificate
 * unknown to its responder is never made good by a list that does not name it, for no list names what was never issued.
 */
export function decideRevocation({ ocsp, list, policy, nowMs }: Sources): RevocationAnswer {
  if (ocsp?.status === 'revoked') {
    return { answer: 'revoked', asOf: isoTime(ocsp.thisUpdateMs), reason: ocsp.reason, sinceMs: ocsp.sinceMs };
  }
  if (list?.entry) return { answer: 'revoked', asOf: isoTime(list.thisUpdateMs), ...list.entry };
  const isOcspCurrent = ocsp !== undefined && nowMs <= ocsp.usableUntilMs;
  if (isOcspCurrent) {
    const asOf = isoTime(ocsp.thisUpdateMs);
    return ocsp.status === 'good' ? { answer: 'good', asOf, source: 'ocsp' } : { answer: 'unknown', asOf };
  }
  if (list && isListEnough[policy](list, nowMs)) {
    return { answer: 'good', asOf: isoTime(list.thisUpdateMs), source: 'list' };
  }
  const newestMs = Math.max(ocsp?.thisUpdateMs ?? 0, policy === 'exchange' ? 0 : (list?.thisUpdateMs ?? 0));
  return newestMs > 0 ? { answer: 'stale', asOf: isoTime(newestMs) } : { answer: 'unreachable' };
}
