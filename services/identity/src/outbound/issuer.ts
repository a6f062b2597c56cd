import type { CardCertificate } from '../verification/card-certificate.js';
import type { TrustedAuthority } from '../verification/trusted-authorities.js';

/** What a certificate is needed for: how old an answer about its revocation may be depends on that (DOMAIN §3). Linking counts as an exchange. */
export type RevocationPolicy = 'reading' | 'claim' | 'exchange';

/** Whether a certificate was revoked. `asOf`: ISO 8601, the moment the answer speaks of (thisUpdate), not the one at which it was read. */
export type RevocationAnswer =
  | { readonly answer: 'good'; readonly asOf: string; readonly source: 'ocsp' | 'list' }
  /** On hold counts as revoked: a hold is never released (DOMAIN §3). */
  | { readonly answer: 'revoked'; readonly asOf: string; readonly reason: string; readonly sinceMs: number }
  /** The responder answers, and does not know the certificate. */
  | { readonly answer: 'unknown'; readonly asOf: string }
  /** The newest answer to be had is too old for the policy. */
  | { readonly answer: 'stale'; readonly asOf: string }
  /** No answer, or none that can be believed. */
  | { readonly answer: 'unreachable' };

/** What link data says of an authentication certificate. Hashes are SHA-256 of the DER, hex. */
export interface Lineage {
  /** Authentication certificates before it, nearest first; empty for a first issue. */
  readonly predecessors: readonly string[];
  /** Authentication certificates of the same person valid beside it: the card of a phone, the phone of a card. */
  readonly siblings: readonly string[];
  readonly signatureCertificate: string | null;
}

/** What a certificate's revocation is asked by; raw certificates are not kept (DOMAIN §3). */
export type RevocationSubject = Pick<
  CardCertificate,
  'hash' | 'serial' | 'issuingPoint' | 'authorityKeyId' | 'ocspUri'
>;

export const ISSUER = Symbol('ISSUER');

/** The card issuer, as far as verifiers ask it. An outage is an answer, never an exception. */
export interface Issuer {
  /** `policy`: what the certificate is needed for; reading where absent, which is enough for a sign-in. */
  revocation(
    certificate: RevocationSubject,
    authority: TrustedAuthority,
    policy?: RevocationPolicy,
  ): Promise<RevocationAnswer>;
  /** Undefined when the source does not answer, or does not know the certificate, which its own issuer always does. */
  lineage(certificateHash: string): Promise<Lineage | undefined>;
  /** The authentication certificates that a signature certificate is tied to, at least one; undefined as above. */
  cardsOf(signatureCertificateHash: string): Promise<readonly string[] | undefined>;
}
