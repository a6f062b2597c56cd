import 'reflect-metadata';
import { hash, type KeyObject, X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { SubjectAlternativeName } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';

/** A certificate from a card, read but not yet believed. */
export interface CardCertificate {
  /** SHA-256 of the DER, hex: how link data names it. */
  readonly hash: string;
  /** Hex, without leading zeros. */
  readonly serial: string;
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly validFromMs: number;
  readonly validToMs: number;
  /** authorityKeyIdentifier, hex: which CA key to look for. */
  readonly authorityKeyId: string | null;
  /** Where its revocation would be told. */
  readonly issuingPoint: string | null;
  readonly policies: readonly string[];
  readonly keyUsages: number;
  readonly isAuthority: boolean;
  /** It says critical things that this profile does not know. */
  readonly hasUnknownCritical: boolean;
  readonly isTest: boolean;
  readonly signedWithSha256Rsa: boolean;
  /** otherName values by type: the attributes of a signature certificate. */
  readonly otherNames: ReadonlyMap<string, string>;
  readonly parsed: X509Certificate;
}

const rsaBitsMin = 2048;
const rsaBitsMax = 4096;
/** RFC 5280: key usage, basic constraints, policies, CRL distribution points. */
const knownCritical = ['2.5.29.15', '2.5.29.19', '2.5.29.32', '2.5.29.31'];

/** Undefined for bytes that are no certificate with an RSA key of a size that is safe and cheap to check. */
export function readCertificate(der: Buffer): CardCertificate | undefined {
  try {
    const parsed = new X509Certificate(der);
    // Trailing bytes would give one certificate many hashes.
    if (!parsed.raw.equals(der)) return undefined;
    const { publicKey } = parsed;
    const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
    if (publicKey.asymmetricKeyType !== 'rsa' || bits < rsaBitsMin || bits > rsaBitsMax) return undefined;
    return {
      ...extensionsOf(new x509.X509Certificate(new Uint8Array(der))),
      ...plainFields(parsed, der),
      publicKey,
      parsed,
    };
  } catch {
    return undefined;
  }
}

function plainFields(parsed: X509Certificate, der: Buffer) {
  return {
    hash: hash('sha256', der),
    serial: parsed.serialNumber.toLowerCase().replace(/^0+/, ''),
    validFromMs: parsed.validFromDate.getTime(),
    validToMs: parsed.validToDate.getTime(),
  };
}

function extensionsOf(certificate: x509.X509Certificate) {
  const algorithm = certificate.signatureAlgorithm as { name?: string; hash: { name?: string } };
  const names = [...certificate.issuerName.getField('O'), ...certificate.subjectName.getField('O')];
  return {
    commonName: certificate.subjectName.getField('CN')[0] ?? '',
    authorityKeyId: certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId?.toLowerCase() ?? null,
    issuingPoint: issuingPointOf(certificate),
    policies: certificate.getExtension(x509.CertificatePolicyExtension)?.policies ?? [],
    keyUsages: certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? 0,
    isAuthority: certificate.getExtension(x509.BasicConstraintsExtension)?.ca ?? false,
    hasUnknownCritical: certificate.extensions.some(({ critical, type }) => critical && !knownCritical.includes(type)),
    isTest: names.includes('JPKI-TEST'),
    signedWithSha256Rsa: algorithm.name === 'RSASSA-PKCS1-v1_5' && algorithm.hash.name === 'SHA-256',
    otherNames: otherNamesOf(certificate),
  };
}

function issuingPointOf(certificate: x509.X509Certificate): string | null {
  const points = certificate.getExtension(x509.CRLDistributionPointsExtension)?.distributionPoints ?? [];
  return points[0]?.distributionPoint?.fullName?.[0]?.uniformResourceIdentifier ?? null;
}

function otherNamesOf(certificate: x509.X509Certificate): ReadonlyMap<string, string> {
  const extension = certificate.getExtension('2.5.29.17');
  const names = extension ? AsnConvert.parse(extension.value, SubjectAlternativeName) : [];
  const found = new Map<string, string>();
  for (const { otherName } of names) {
    const text = otherName && textOf(Buffer.from(otherName.value));
    if (otherName && text !== undefined) found.set(otherName.typeId, text);
  }
  return found;
}

/** The text of a DER UTF8String or PrintableString of at most 65,535 bytes. */
function textOf(der: Buffer): string | undefined {
  const [tag, first = 0] = der;
  if (tag !== 0x0c && tag !== 0x13) return undefined;
  const header = first < 0x80 ? 2 : first === 0x81 ? 3 : first === 0x82 ? 4 : 0;
  const length = header === 2 ? first : header > 2 ? der.readUIntBE(2, header - 2) : -1;
  if (header + length !== der.length) return undefined;
  return new TextDecoder('utf-8', { fatal: true }).decode(der.subarray(header));
}
