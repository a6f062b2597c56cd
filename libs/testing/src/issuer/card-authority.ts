import 'reflect-metadata';
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  CRLNumber,
  DistributionPointName,
  GeneralName,
  GeneralNames,
  IssuingDistributionPoint,
  OtherName,
  SubjectAlternativeName,
} from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';

export type AuthorityKind = 'authentication' | 'signature';

/** One generation of a test CA. Generations of a kind share one name and differ by key (DOMAIN §3). */
export interface CardAuthority {
  /** `authentication-1`, `signature-2`. */
  readonly id: string;
  readonly kind: AuthorityKind;
  readonly certificate: x509.X509Certificate;
  readonly signingKey: webcrypto.CryptoKey;
  /** PKCS #8, DER. */
  readonly privateKey: Buffer;
}

export interface LeafRequest {
  readonly commonName: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  readonly issuingPoint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Only in signature certificates. */
  readonly attributes?: CardAttributes;
  /** Names the OCSP responder, which knows only certificates in the issuer's books. */
  readonly toldByOcsp?: boolean;
  /** Deviations for tests of the verifier. */
  readonly policy?: string;
  readonly keyUsages?: x509.KeyUsageFlags;
}

export interface CardAttributes {
  readonly name: string;
  readonly address: string;
  /** Era digit and Gregorian date, EYYYYMMDD. */
  readonly birthDate: string;
  /** 1 male, 2 female, 3 not stated. */
  readonly sex: string;
}

export interface RevokedEntry {
  readonly serial: string;
  readonly at: Date;
  readonly reason: x509.X509CrlReason;
}

/** Today's card and the next one (DOMAIN §3). */
export type AuthorityProfile = 'rsa' | 'p384';

const algorithms = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  p384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
} as const;
const keyParameters = {
  rsa: { ...algorithms.rsa, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  p384: algorithms.p384,
} as const;

export const authenticationPolicy = '1.2.392.200149.8.5.1.3.30';
export const signatureTestPolicy = '1.2.392.200149.8.5.1.0.20';

/** otherName types of a signature certificate's subjectAltName (JPKI certificate profile). */
const attributeTypes = {
  name: '1.2.392.200149.8.5.5.1',
  sex: '1.2.392.200149.8.5.5.3',
  birthDate: '1.2.392.200149.8.5.5.4',
  address: '1.2.392.200149.8.5.5.5',
} as const;

const organisation = 'OU=Japan Agency for Local Authority Information Systems';
const units = { authentication: 'JPKI for user authentication', signature: 'JPKI for digital signature' } as const;

/** The name that every generation of a kind has. */
export function authorityName(kind: AuthorityKind): string {
  return `C=JP, O=JPKI-TEST, OU=${units[kind]}, ${organisation}`;
}

/** A new generation, self-signed. Valid far beyond any test clock. `more`: extensions beside the usual ones. */
export async function createAuthority(
  kind: AuthorityKind,
  generation: number,
  profile: AuthorityProfile = 'rsa',
  more: readonly x509.Extension[] = [],
): Promise<CardAuthority> {
  const keys = (await webcrypto.subtle.generateKey(keyParameters[profile], true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: authorityName(kind),
    notBefore: new Date('2010-01-01T00:00:00Z'),
    notAfter: new Date('2079-12-31T23:59:59Z'),
    signingAlgorithm: algorithms[profile],
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...more,
    ],
  });
  const privateKey = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return { id: `${kind}-${generation}`, kind, certificate, signingKey: keys.privateKey, privateKey };
}

/** The same from its stored parts: PEM certificate, PKCS #8 key. */
export async function authorityFrom(id: string, certificatePem: string, privateKey: Buffer): Promise<CardAuthority> {
  const certificate = new x509.X509Certificate(certificatePem);
  const algorithm = algorithms[certificate.publicKey.algorithm.name === 'ECDSA' ? 'p384' : 'rsa'];
  const signingKey = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(privateKey), algorithm, true, ['sign']);
  return {
    id,
    kind: id.startsWith('signature') ? 'signature' : 'authentication',
    certificate,
    signingKey,
    privateKey,
  };
}

/** Where revocations of an issuing point are told; the host stands for no machine, a verifier takes the path only. */
export function issuingPointUri(authorityId: string, issuingPoint: string): string {
  return `http://jpki-test.invalid/crl/${authorityId}/${issuingPoint}.crl`;
}

/** Where the OCSP responder of an authority is asked; of this too a verifier takes the path only. */
export function ocspUri(authorityId: string): string {
  return `http://jpki-test.invalid/ocsp/${authorityId}`;
}

/** Issues a certificate of the JPKI profile in DOMAIN §3. */
export async function issueLeaf(
  authority: CardAuthority,
  request: LeafRequest,
): Promise<{ der: Buffer; serial: string }> {
  const signature = authority.kind === 'signature';
  const usage = signature
    ? x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.nonRepudiation
    : x509.KeyUsageFlags.digitalSignature;
  const policy = request.policy ?? (signature ? signatureTestPolicy : authenticationPolicy);
  const serial = newSerial();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: `C=JP, O=JPKI-TEST, CN=${request.commonName}`,
    issuer: authority.certificate.subjectName,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    signingAlgorithm: algorithmOf(authority),
    publicKey: new x509.PublicKey(new Uint8Array(request.publicKey)),
    signingKey: authority.signingKey,
    extensions: [
      new x509.KeyUsagesExtension(request.keyUsages ?? usage, true),
      new x509.CertificatePolicyExtension([policy], true),
      new x509.AuthorityKeyIdentifierExtension(keyIdentifier(authority.certificate), false),
      new x509.SubjectKeyIdentifierExtension(createHash('sha1').update(request.publicKey).digest('hex'), false),
      new x509.CRLDistributionPointsExtension([issuingPointUri(authority.id, request.issuingPoint)]),
      ...(request.toldByOcsp ? [new x509.AuthorityInfoAccessExtension({ ocsp: ocspUri(authority.id) })] : []),
      ...(request.attributes ? [attributesExtension(request.attributes)] : []),
    ],
  });
  return { der: Buffer.from(certificate.rawData), serial };
}

/** The revocation list of one issuing point, DER. */
export async function signRevocationList(
  authority: CardAuthority,
  list: { issuingPoint: string; number: number; thisUpdate: Date; nextUpdate: Date; entries: readonly RevokedEntry[] },
): Promise<Buffer> {
  const point = new IssuingDistributionPoint({
    distributionPoint: new DistributionPointName({
      fullName: [new GeneralName({ uniformResourceIdentifier: issuingPointUri(authority.id, list.issuingPoint) })],
    }),
  });
  const crl = await x509.X509CrlGenerator.create({
    issuer: authority.certificate.subjectName,
    thisUpdate: list.thisUpdate,
    nextUpdate: list.nextUpdate,
    signingAlgorithm: algorithmOf(authority),
    signingKey: authority.signingKey,
    entries: list.entries.map(({ serial, at, reason }) => ({ serialNumber: serial, revocationDate: at, reason })),
    extensions: [
      new x509.AuthorityKeyIdentifierExtension(keyIdentifier(authority.certificate), false),
      new x509.Extension('2.5.29.20', false, AsnConvert.serialize(new CRLNumber(list.number))),
      new x509.Extension('2.5.29.28', true, AsnConvert.serialize(point)),
    ],
  });
  return Buffer.from(crl.rawData);
}

function algorithmOf({ signingKey }: CardAuthority): (typeof algorithms)[AuthorityProfile] {
  return algorithms[signingKey.algorithm.name === 'ECDSA' ? 'p384' : 'rsa'];
}

export function keyIdentifier(certificate: x509.X509Certificate): string {
  const extension = certificate.getExtension(x509.SubjectKeyIdentifierExtension);
  if (!extension) throw new Error('a CA certificate without subjectKeyIdentifier');
  return extension.keyId;
}

function attributesExtension(attributes: CardAttributes): x509.Extension {
  const names = Object.entries(attributeTypes).map(([field, typeId]) => {
    const text = Buffer.from(attributes[field as keyof CardAttributes], 'utf8');
    return new GeneralName({ otherName: new OtherName({ typeId, value: utf8String(text) }) });
  });
  return new x509.Extension(
    '2.5.29.17',
    false,
    AsnConvert.serialize(new SubjectAlternativeName(names as unknown as GeneralNames)),
  );
}

/** DER of a UTF8String of at most 65,535 bytes. */
function utf8String(text: Buffer): ArrayBuffer {
  const length =
    text.length < 128
      ? [text.length]
      : text.length < 256
        ? [0x81, text.length]
        : [0x82, text.length >> 8, text.length & 255];
  return new Uint8Array([0x0c, ...length, ...text]).buffer;
}

/** 8 random bytes, positive and without a leading zero. */
export function newSerial(): string {
  const bytes = randomBytes(8);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}
