import 'reflect-metadata';
import {
  constants,
  createHash,
  createPrivateKey,
  type KeyObject,
  randomBytes,
  type SignKeyObjectInput,
  sign,
} from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  Extension as AsnExtension,
  Extensions,
  Name,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Time,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import type { CardAuthority } from '@tsunagu/testing';

/** Certificates that an honest issuer never makes, for specs of what is refused: each field can be another, and so can the bytes. */
export interface Forgery {
  /** Whose name it bears, whose key identifier it names, whose key signs it unless `signedBy` says another. */
  readonly issuer: Forger;
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly kind?: 'authentication' | 'signature';
  readonly signedBy?: KeyObject;
  readonly algorithm?: SigningAlgorithm;
  /** What it names outside, where that is another. */
  readonly outerAlgorithm?: SigningAlgorithm;
  readonly subject?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** SubjectPublicKeyInfo, DER, in the place of the keys' own. */
  readonly publicKeyDer?: Buffer;
  readonly extensions?: (usual: Record<UsualExtension, x509.Extension>) => readonly x509.Extension[];
  readonly change?: (tbs: TBSCertificate) => void;
  /** Before it is signed. */
  readonly changeTbs?: (der: Buffer) => Buffer;
  /** After it was signed. */
  readonly changeDer?: (der: Buffer) => Buffer;
  readonly changeSignature?: (signature: Buffer) => Buffer;
}

export interface Forger {
  /** DER of the certificate. */
  readonly certificate: x509.X509Certificate;
  readonly key: KeyObject;
}

export type UsualExtension = 'keyUsage' | 'policy' | 'authorityKeyId' | 'subjectKeyId' | 'issuingPoint';

interface SigningAlgorithm {
  /** AlgorithmIdentifier, DER. */
  readonly identifier: Buffer;
  readonly digest: string | null;
  readonly options?: Partial<SignKeyObjectInput>;
}

const identifier = (hex: string) => Buffer.from(hex, 'hex');
const rsa = (last: string, digest: string): SigningAlgorithm => ({
  identifier: identifier(`300d06092a864886f70d0101${last}0500`),
  digest,
});

export const algorithms = {
  rsaSha256: rsa('0b', 'sha256'),
  rsaSha256WithoutNull: { identifier: identifier('300b06092a864886f70d01010b'), digest: 'sha256' },
  rsaSha1: rsa('05', 'sha1'),
  rsaMd5: rsa('04', 'md5'),
  rsaSha512: rsa('0d', 'sha512'),
  rsaSha384: rsa('0c', 'sha384'),
  /** SHA-256, MGF1 with SHA-256, salt of 32 octets. */
  rsaPss: {
    identifier: identifier(
      '304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120',
    ),
    digest: 'sha256',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  },
  ecdsaSha256: { identifier: identifier('300a06082a8648ce3d040302'), digest: 'sha256' },
  ecdsaSha384: { identifier: identifier('300a06082a8648ce3d040303'), digest: 'sha384' },
  ed25519: { identifier: identifier('300506032b6570'), digest: null },
  /** 1.2.840.113549.1.1.99: nothing that exists. */
  unheardOf: rsa('63', 'sha256'),
} as const satisfies Record<string, SigningAlgorithm>;

const policies = { authentication: '1.2.392.200149.8.5.1.3.30', signature: '1.2.392.200149.8.5.1.0.20' } as const;
const dayMs = 86_400_000;

export function forgerOf(authority: CardAuthority): Forger {
  return {
    certificate: authority.certificate,
    key: createPrivateKey({ key: authority.privateKey, format: 'der', type: 'pkcs8' }),
  };
}

/** With no deviation it is what the test issuer makes. `nowMs`: in the middle of its validity. */
export function forge(forgery: Forgery, nowMs: number): Buffer {
  const { issuer, algorithm = algorithms.rsaSha256, outerAlgorithm = algorithm } = forgery;
  const tbs = usualTbs(forgery, nowMs);
  tbs.signature = AsnConvert.parse(algorithm.identifier, AlgorithmIdentifier);
  forgery.change?.(tbs);
  const usual = Buffer.from(AsnConvert.serialize(tbs));
  const tbsDer = forgery.changeTbs?.(usual) ?? usual;
  const signature = sign(algorithm.digest, tbsDer, { key: forgery.signedBy ?? issuer.key, ...optionsOf(algorithm) });
  const changed = forgery.changeSignature?.(signature) ?? signature;
  const der = sequence(tbsDer, outerAlgorithm.identifier, tlv(0x03, Buffer.concat([Buffer.of(0), changed])));
  return forgery.changeDer?.(der) ?? der;
}

function optionsOf(algorithm: SigningAlgorithm): Partial<SignKeyObjectInput> {
  return algorithm.options ?? {};
}

function usualTbs(forgery: Forgery, nowMs: number): TBSCertificate {
  const { issuer, keys, kind = 'authentication' } = forgery;
  const publicKeyDer = forgery.publicKeyDer ?? keys.publicKey.export({ format: 'der', type: 'spki' });
  const usual = {
    keyUsage: new x509.KeyUsagesExtension(
      kind === 'signature'
        ? x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.nonRepudiation
        : x509.KeyUsageFlags.digitalSignature,
      true,
    ),
    policy: new x509.CertificatePolicyExtension([policies[kind]], true),
    authorityKeyId: new x509.AuthorityKeyIdentifierExtension(keyIdOf(issuer.certificate), false),
    subjectKeyId: new x509.SubjectKeyIdentifierExtension(createHash('sha1').update(publicKeyDer).digest('hex'), false),
    issuingPoint: new x509.CRLDistributionPointsExtension([`http://jpki-test.invalid/crl/${kind}-1/13101.crl`]),
  };
  const extensions = forgery.extensions?.(usual) ?? Object.values(usual);
  return new TBSCertificate({
    version: Version.v3,
    serialNumber: new Uint8Array([0x40, ...randomBytes(7)]).buffer,
    issuer: AsnConvert.parse(issuer.certificate.subjectName.toArrayBuffer(), Name),
    subject: AsnConvert.parse(
      new x509.Name(forgery.subject ?? 'C=JP, O=JPKI-TEST, CN=ABCDEFGHIJKLMN13101001A').toArrayBuffer(),
      Name,
    ),
    validity: new Validity({
      notBefore: new Time(forgery.notBefore ?? new Date(nowMs - dayMs)) as never,
      notAfter: new Time(forgery.notAfter ?? new Date(nowMs + dayMs)) as never,
    }),
    subjectPublicKeyInfo: AsnConvert.parse(publicKeyDer, SubjectPublicKeyInfo),
    extensions: new Extensions(extensions.map((each) => AsnConvert.parse(each.rawData, AsnExtension))),
  });
}

export function keyIdOf(certificate: x509.X509Certificate): string {
  return certificate.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId ?? '';
}

/** A tag, a length in its shortest form, the content. */
export function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const octets = Buffer.from(length.toString(16).padStart(length < 0x100 ? 2 : length < 0x10000 ? 4 : 6, '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 | octets.length), octets, content]);
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

/** The parts of a SEQUENCE, each with its tag and length. */
export function partsOf(der: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = headerOctets(der); at < der.length; ) {
    const whole = wholeOctets(der.subarray(at));
    parts.push(der.subarray(at, at + whole));
    at += whole;
  }
  return parts;
}

export function headerOctets(der: Buffer): number {
  const first = der.readUInt8(1);
  return first < 0x80 ? 2 : 2 + (first & 0x7f);
}

function wholeOctets(der: Buffer): number {
  const header = headerOctets(der);
  return header + (header === 2 ? der.readUInt8(1) : der.readUIntBE(2, header - 2));
}

/** The same with one part changed. */
export function changedPart(der: Buffer, index: number, change: (part: Buffer) => Buffer): Buffer {
  return sequence(...partsOf(der).map((part, at) => (at === index ? change(part) : part)));
}

/** The octet at `at` with these bits turned. */
export function turned(bytes: Buffer, at: number, bits: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ bits, at);
  return changed;
}

/** A TBSCertificate with one extension more, whatever its form. */
export function withRawExtension(tbs: Buffer, extension: Buffer): Buffer {
  return changedPart(tbs, 7, (explicit) =>
    tlv(0xa3, sequence(...partsOf(partsOf(explicit)[0] ?? explicit), extension)),
  );
}
