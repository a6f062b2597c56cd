import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@tsunagu/service-host';
import { type CardCertificate, readCertificate } from './card-certificate.js';
import { type NameConstraints, readNameConstraints, satisfies } from './name-constraints.js';
import type { ProfileName } from './profiles.js';

export type CertificateKind = 'authentication' | 'signature';

/** A pinned CA certificate. Generations share one name, so they are told apart by key. */
export interface TrustedAuthority {
  readonly kind: CertificateKind;
  readonly profile: ProfileName;
  /** subjectKeyIdentifier, hex. */
  readonly keyId: string;
  readonly certificate: X509Certificate;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Buffer;
  /** Its name, DER. */
  readonly name: Buffer;
  readonly validFromMs: number;
  readonly validToMs: number;
  readonly nameConstraints: NameConstraints | null;
}

/** RFC 5280 §4.2.1.3, as bits of `KeyUsageFlags`. */
const keyCertSign = 32;

/**
 * The CAs pinned in a directory: `authentication-*.pem` and `signature-*.pem`. Throws ConfigError when it holds none, or one that may not issue
 * cards: what is pinned by mistake shall not wait for the first card to be noticed.
 */
export function readTrustedAuthorities(directory: string): readonly TrustedAuthority[] {
  let files: readonly string[];
  try {
    files = readdirSync(directory).filter((file) => /^(authentication|signature)-.*\.pem$/.test(file));
  } catch {
    files = [];
  }
  const found = files.map((file) => authorityFrom(file, readFileSync(join(directory, file), 'utf8')));
  if (found.length === 0) {
    throw new ConfigError(`TSUNAGU_TRUSTED_CA_DIRECTORY holds no CA certificate such as authentication-1.pem.`);
  }
  return found;
}

function authorityFrom(file: string, pem: string): TrustedAuthority {
  const certificate = new X509Certificate(pem);
  const read = readCertificate(certificate.raw);
  const why = read ? reasonAgainst(read) : 'it is not in DER';
  if (!read?.subjectKeyId || !read.keyProfile || why) {
    throw new ConfigError(`The CA certificate ${file} cannot issue cards: ${why ?? 'it has no subjectKeyIdentifier'}.`);
  }
  const nameConstraints = read.nameConstraints && readNameConstraints(read.nameConstraints);
  if (nameConstraints === undefined)
    throw new ConfigError(`The CA certificate ${file} has malformed name constraints.`);
  return {
    kind: file.startsWith('signature') ? 'signature' : 'authentication',
    profile: read.keyProfile,
    keyId: read.subjectKeyId,
    certificate,
    publicKeyDer: read.publicKeyDer,
    name: read.subject.raw,
    validFromMs: read.validFromMs,
    validToMs: read.validToMs,
    nameConstraints,
  };
}

/** Why a certificate is none of an authority (RFC 5280 §6.1.4 k–o); its own path length never matters, for a card comes next. */
function reasonAgainst(read: CardCertificate): string | undefined {
  if (!read.isAuthority) return 'it is no authority (basicConstraints)';
  if (read.fault) return read.fault.replace(/\.$/, '').replace(/^It/, 'it');
  if (read.keyProfile === null) return 'its key is of no profile';
  if (!(read.keyUsages & keyCertSign)) return 'its key may not sign certificates (keyUsage)';
  if (read.hasUnknownCritical) return 'it has a critical extension that is not known';
  return undefined;
}

/** The CA that this certificate says it is from, valid itself at that time. Whether its key signed it is another question. */
export function issuerOf(
  certificate: CardCertificate,
  authorities: readonly TrustedAuthority[],
  nowMs: number,
): TrustedAuthority | undefined {
  if (certificate.fault || certificate.isAuthority) return undefined;
  const { keyProfile, signatureProfile, authorityKeyId, issuer } = certificate;
  return authorities.find(
    (authority) =>
      authority.keyId === authorityKeyId &&
      authority.profile === keyProfile &&
      authority.profile === signatureProfile &&
      authority.name.equals(issuer.raw) &&
      isValidAt(authority, nowMs) &&
      (!authority.nameConstraints || satisfies(certificate, authority.nameConstraints)),
  );
}

/** Both bounds are seconds that belong to it (RFC 5280 §4.1.2.5). */
export function isValidAt(of: { validFromMs: number; validToMs: number }, nowMs: number): boolean {
  return of.validFromMs <= nowMs && nowMs < of.validToMs + 1_000;
}
