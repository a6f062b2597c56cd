import { ok, type Result, refuse } from '@tsunagu/kernel';
import type { Issuer, RevocationAnswer } from '../outbound/issuer.js';
import type { CardCertificate } from './card-certificate.js';
import type { SignatureThreads } from './signature-threads.js';
import { type CertificateKind, issuerOf, isValidAt, type TrustedAuthority } from './trusted-authorities.js';

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
  readonly signatures: Pick<SignatureThreads, 'check' | 'forget'>;
  readonly issuer: Pick<Issuer, 'revocation'>;
}

export type CheckRefusal =
  | 'identity.busy'
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

const anyUsage = '2.5.29.37.0';
/** RFC 5280 §4.2.1.12: clientAuth, emailProtection; RFC 9336: documentSigning. */
const extendedUsages: Record<CertificateKind, readonly string[]> = {
  authentication: [anyUsage, '1.3.6.1.5.5.7.3.2'],
  signature: [anyUsage, '1.3.6.1.5.5.7.3.4', '1.3.6.1.5.5.7.3.36'],
};

const busySeconds = 2;

/** Checks all certificates in the order of API.md: a check is made on each before the next check begins, the first failure is the answer. */
export async function checkPresented(
  presented: readonly Presented[],
  against: CheckedAgainst,
): Promise<Result<readonly RevocationAnswer[], CheckRefusal>> {
  const { nonce, nowMs, profile } = against;
  const fails = (holds: (each: Presented, index: number) => boolean) =>
    presented.find((each, index) => !holds(each, index))?.kind;

  const unlisted = fails(({ certificate }) => certificate.keyProfile !== null);
  if (unlisted) return refuse('identity.signature_invalid', { detail: `${about(unlisted)} Its key is of no profile.` });
  const named = presented.map(({ certificate }) => issuerOf(certificate, against.authorities, nowMs));
  const signed = await against.signatures.check(
    presented.map(({ certificate, signature }, index) => ({
      der: certificate.der,
      hash: certificate.hash,
      profile: certificate.keyProfile ?? 'rsa',
      message: nonce,
      signature,
      authority: named[index],
    })),
  );
  if (!signed) return refuse('identity.busy', { retryAfterSeconds: busySeconds });
  const unsigned = fails((_each, index) => signed[index]?.messageHolds ?? false);
  if (unsigned) return refuse('identity.signature_invalid', { detail: about(unsigned) });
  const test = fails(({ certificate }) => profile === 'test' || !certificate.isTest);
  if (test) return refuse('identity.test_certificate', { detail: about(test) });

  const issuers = named.filter((issuer, index) => issuer !== undefined && signed[index]?.chainHolds);
  const untrusted = fails((_each, index) => signed[index]?.chainHolds ?? false);
  if (untrusted) return refuse('identity.chain_untrusted', { detail: chainDetail(presented, untrusted) });
  const expired = fails(({ certificate }) => isValidAt(certificate, nowMs));
  if (expired) return refuse('identity.certificate_expired', { detail: about(expired) });

  const answers = await Promise.all(
    presented.map(async ({ certificate }, index): Promise<RevocationAnswer> => {
      const issuer = issuers[index];
      return issuer ? against.issuer.revocation(certificate, issuer) : { answer: 'unreachable' };
    }),
  );
  for (const [index, { answer }] of answers.entries()) {
    if (answer === 'revoked') against.signatures.forget(presented[index]?.certificate.hash ?? '');
  }
  const revoked = answers.findIndex(({ answer }) => answer === 'revoked');
  if (revoked >= 0) return refuse('identity.certificate_revoked', { detail: about(presented[revoked]?.kind) });
  const unsure = answers.find(({ answer }) => answer !== 'good');
  if (unsure) {
    const why =
      unsure.answer === 'stale' ? 'The revocation list is out of date.' : 'The revocation list cannot be read.';
    return refuse('identity.revocation_unavailable', { detail: why, retryAfterSeconds: 5 });
  }
  const mismatch = fails((each, index) => fitsProfile(each, profile, issuers[index]));
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
    (certificate.extendedKeyUsages?.some((usage) => extendedUsages[kind].includes(usage)) ?? true) &&
    !certificate.hasUnknownCritical
  );
}

function about(kind: CertificateKind | undefined): string {
  return kind === 'signature' ? 'This concerns attributes.certificate.' : 'This concerns certificate.';
}

function chainDetail(presented: readonly Presented[], kind: CertificateKind): string {
  const fault = presented.find((each) => each.kind === kind)?.certificate.fault;
  return fault ? `${about(kind)} ${fault}` : about(kind);
}
