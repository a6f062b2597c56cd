import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { ConfigError } from '@tsunagu/service-host';
import type { CardCertificate } from './card-certificate.js';

export type CertificateKind = 'authentication' | 'signature';

/** A pinned CA certificate. Generations share one name, so they are told apart by key. */
export interface TrustedAuthority {
  readonly kind: CertificateKind;
  /** subjectKeyIdentifier, hex. */
  readonly keyId: string;
  readonly certificate: X509Certificate;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Buffer;
}

/** The CAs pinned in a directory: `authentication-*.pem` and `signature-*.pem`. Throws ConfigError when it holds none. */
export function readTrustedAuthorities(directory: string): readonly TrustedAuthority[] {
  const found: TrustedAuthority[] = [];
  let files: readonly string[];
  try {
    files = readdirSync(directory).filter((file) => /^(authentication|signature)-.*\.pem$/.test(file));
  } catch {
    files = [];
  }
  for (const file of files) {
    const pem = readFileSync(join(directory, file), 'utf8');
    const keyId = new x509.X509Certificate(pem).getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
    if (!keyId) throw new ConfigError(`The CA certificate ${file} has no subjectKeyIdentifier.`);
    const certificate = new X509Certificate(pem);
    const publicKeyDer = certificate.publicKey.export({ format: 'der', type: 'spki' });
    const kind = file.startsWith('signature') ? 'signature' : 'authentication';
    found.push({ kind, keyId: keyId.toLowerCase(), certificate, publicKeyDer });
  }
  if (found.length === 0) {
    throw new ConfigError(`TSUNAGU_TRUSTED_CA_DIRECTORY holds no CA certificate such as authentication-1.pem.`);
  }
  return found;
}

/** The CA whose key signed this certificate and whose name it bears; valid itself at that time. */
export function issuerOf(
  certificate: CardCertificate,
  authorities: readonly TrustedAuthority[],
  nowMs: number,
): TrustedAuthority | undefined {
  if (!certificate.signedWithSha256Rsa || certificate.isAuthority) return undefined;
  return authorities.find(
    (authority) =>
      authority.keyId === certificate.authorityKeyId &&
      authority.certificate.validFromDate.getTime() <= nowMs &&
      authority.certificate.validToDate.getTime() >= nowMs &&
      certificate.parsed.checkIssued(authority.certificate) &&
      certificate.parsed.verify(authority.certificate.publicKey),
  );
}
