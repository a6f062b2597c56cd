import { constants, verify } from 'node:crypto';
import { ok, type Result, refuse } from '@tsunagu/kernel';
import type { Issuer, RevocationAnswer } from '../outbound/issuer.js';
import type { CardCertificate } from './card-certificate.js';
import { type CertificateKind, issuerOf, type TrustedAuthority } from './trusted-authorities.js';

/** A certificate and what its key made of the nonce. */
export interface Presented {
  readonly kind: CertificateKind;
  readonly certificate: CardCertificate;
  readonly signature: Buffer;
}

export interface CheckedAgainst {
  readonly nonce: Buffer;
  readonly nowMs: number;
  readonly profile: 'test' | 'production';
  readonly authorities: readonly TrustedAuthority[];
  readonly issuer: Issuer;
}

export type CheckRefusal =
  | 'identity.signature_invalid'
  | 'identity.test_certificate'
  | 'identity.chain_untrusted'
  | 'identity.certificate_expired'
  | 'identity.certificate_revoked'
  | 'identity.revocation_unavailable'
  | 'identity.policy_mismatch';

/** Policy of each kind (DOMAIN §3); the test hierarchy has one of its own for signatures. */
const policies = {
  authentication: { always: ['1.2.392.200149.8.5.1.3.30'], test: [] },
  signature: { always: ['1.2.392.200149.8.5.1.1.20'], test: ['1.2.392.200149.8.5.1.0.20'] },
} as const satisfies Record<CertificateKind, { always: readonly string[]; test: readonly string[] }>;

/** RFC 5280 §4.2.1.3, as bits of `KeyUsageFlags`. */
const digitalSignature = 1;
const nonRepudiation = 2;
const usages = { authentication: digitalSignature, signature: digitalSignature | nonRepudiation } as const;

/** Checks all certificates in the order of API.md: a check is made on each before the next check begins, the first failure is the answer. */
export async function checkPresented(
  presented: readonly Presented[],
  against: CheckedAgainst,
): Promise<Result<readonly RevocationAnswer[], CheckRefusal>> {
  const { nonce, nowMs, profile } = against;
  const fails = (holds: (each: Presented) => boolean) => presented.find((each) => !holds(each))?.kind;

  const unsigned = fails(({ certificate, signature }) =>
    verify('sha256', nonce, { key: certificate.publicKey, padding: constants.RSA_PKCS1_PADDING }, signature),
  );
  if (unsigned) return refuse('identity.signature_invalid', { detail: about(unsigned) });
  const test = fails(({ certificate }) => profile === 'test' || !certificate.isTest);
  if (test) return refuse('identity.test_certificate', { detail: about(test) });

  const issuers = presented.map(({ certificate }) => issuerOf(certificate, against.authorities, nowMs));
  const known = issuers.filter((issuer) => issuer !== undefined);
  if (known.length < presented.length) {
    return refuse('identity.chain_untrusted', { detail: about(presented[issuers.indexOf(undefined)]?.kind) });
  }
  const expired = fails(({ certificate }) => certificate.validFromMs <= nowMs && nowMs <= certificate.validToMs);
  if (expired) return refuse('identity.certificate_expired', { detail: about(expired) });

  const answers = await Promise.all(
    presented.map(async ({ certificate }, index): Promise<RevocationAnswer> => {
      const issuer = known[index];
      return issuer ? against.issuer.revocation(certificate, issuer) : { answer: 'unreachable' };
    }),
  );
  const revoked = answers.findIndex(({ answer }) => answer === 'revoked');
  if (revoked >= 0) return refuse('identity.certificate_revoked', { detail: about(presented[revoked]?.kind) });
  const unsure = answers.find(({ answer }) => answer !== 'good');
  if (unsure) {
    const why =
      unsure.answer === 'stale' ? 'The revocation list is out of date.' : 'The revocation list cannot be read.';
    return refuse('identity.revocation_unavailable', { detail: why, retryAfterSeconds: 5 });
  }
  const mismatch = fails((each) => fitsProfile(each, profile, known[presented.indexOf(each)]));
  if (mismatch) return refuse('identity.policy_mismatch', { detail: about(mismatch) });
  return ok(answers);
}

function fitsProfile(
  { kind, certificate }: Presented,
  profile: 'test' | 'production',
  issuer: TrustedAuthority | undefined,
): boolean {
  const allowed: readonly string[] = [...policies[kind].always, ...(profile === 'test' ? policies[kind].test : [])];
  return (
    issuer?.kind === kind &&
    certificate.policies.some((policy) => allowed.includes(policy)) &&
    certificate.keyUsages === usages[kind] &&
    !certificate.hasUnknownCritical
  );
}

function about(kind: CertificateKind | undefined): string {
  return kind === 'signature' ? 'This concerns attributes.certificate.' : 'This concerns certificate.';
}
