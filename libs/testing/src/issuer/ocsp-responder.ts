import 'reflect-metadata';
import { createHash, hash, KeyObject, sign, webcrypto } from 'node:crypto';
import {
  BasicOCSPResponse,
  type CertID,
  CertStatus,
  id_kp_OCSPSigning,
  id_pkix_ocsp_basic,
  id_pkix_ocsp_nocheck,
  id_pkix_ocsp_nonce,
  KeyHash,
  OCSPRequest,
  OCSPResponse,
  OCSPResponseStatus,
  ResponderID,
  ResponseBytes,
  ResponseData,
  RevokedInfo,
  SingleResponse,
} from '@peculiar/asn1-ocsp';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, Certificate, CRLReason, Extension } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import type { Clock } from '@tsunagu/kernel';
import { type CardAuthority, createAuthority, keyIdentifier, newSerial } from './card-authority.js';
import type { IssuerStore } from './issuer-store.js';

export const ocspModes = [
  'fresh',
  /** Cuts the connection. */
  'unreachable',
  /** Takes the request and never answers. */
  'silent',
  /** Knows no certificate at all. */
  'unknown',
  /** Speaks of three days ago; its next update has passed. */
  'stale',
  /** Has heard of no revocation yet. */
  'late',
  'try_later',
  /** Refuses certificate ids hashed by SHA-256, as responders of RFC 5019 do. */
  'sha1_only',
  'wrong_nonce',
  'no_nonce',
  /** Signed by a stranger's key under the responder's name. */
  'wrong_key',
  /** Signed by a certificate of the CA that is not meant for it. */
  'not_a_responder',
  /** Speaks of another serial number. */
  'another_certificate',
  /** Bytes that are no OCSP response. */
  'malformed',
] as const;
export type OcspMode = (typeof ocspModes)[number];

const hourMs = 3_600_000;
const certIdHashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
};
const signatures = {
  rsa: { hash: 'sha256', algorithm: '1.2.840.113549.1.1.11' },
  ec: { hash: 'sha384', algorithm: '1.2.840.10045.4.3.3' },
} as const;

/** What an answer is signed with: a delegated responder's certificate (RFC 6960 §4.2.2.2) and its key. */
export interface OcspSigner {
  readonly certificate: x509.X509Certificate;
  readonly privateKey: KeyObject;
}

interface AuthorityNames {
  /** DER of its name. */
  readonly name: ArrayBuffer;
  /** The bits of its public key. */
  readonly key: ArrayBuffer;
}

/** Answers for the certificates in the issuer's books (RFC 6960), signed by a responder that the certificate's CA appointed. */
export class OcspResponder {
  private readonly signers = new Map<string, Promise<OcspSigner>>();

  constructor(
    private readonly store: IssuerStore,
    private readonly clock: Clock,
  ) {}

  /** DER in, DER out. Anything that is no request for this authority is answered as the RFC says, never thrown. */
  async answer(authority: CardAuthority, requestDer: Buffer, mode: OcspMode): Promise<Buffer> {
    if (mode === 'malformed') return Buffer.from('3003020100', 'hex');
    if (mode === 'try_later') return failure(OCSPResponseStatus.tryLater);
    let request: OCSPRequest;
    try {
      request = AsnConvert.parse(requestDer, OCSPRequest);
    } catch {
      return failure(OCSPResponseStatus.malformedRequest);
    }
    const ids = request.tbsRequest.requestList.map(({ reqCert }) => reqCert);
    if (ids.length === 0) return failure(OCSPResponseStatus.malformedRequest);
    if (!ids.every((id) => isOf(authority, id) && !(mode === 'sha1_only' && hashOf(id) !== 'sha1'))) {
      return failure(OCSPResponseStatus.unauthorized);
    }
    const extensions = (request.tbsRequest.requestExtensions ?? []).filter(
      ({ extnID }) => extnID === id_pkix_ocsp_nonce && mode !== 'no_nonce',
    );
    const nonces = mode === 'wrong_nonce' ? extensions.map(changed) : extensions;
    return signOcspResponse(await this.signer(authority, mode), {
      producedAtMs: this.clock.now(),
      responses: ids.map((id) => this.single(authority, id, mode)),
      extensions: nonces,
    });
  }

  private single(authority: CardAuthority, id: CertID, mode: OcspMode): SingleResponse {
    const serial = Buffer.from(id.serialNumber).toString('hex');
    const known = mode === 'unknown' ? undefined : this.store.certificateOf(authority.id, serial);
    const revocation = known === undefined || mode === 'late' ? undefined : this.store.revocation(known);
    const thisUpdate = this.clock.now() - (mode === 'stale' ? 72 * hourMs : 0);
    if (mode === 'another_certificate') {
      const other = Buffer.from(id.serialNumber);
      other.writeUInt8(other.readUInt8(other.length - 1) ^ 1, other.length - 1);
      id.serialNumber = new Uint8Array(other).buffer;
    }
    return new SingleResponse({
      certID: id,
      certStatus: new CertStatus(
        revocation
          ? {
              revoked: new RevokedInfo({
                revocationTime: wholeSeconds(Date.parse(revocation.at)),
                revocationReason: new CRLReason(x509.X509CrlReason[revocation.reason] as number),
              }),
            }
          : known === undefined
            ? { unknown: null }
            : { good: null },
      ),
      thisUpdate: wholeSeconds(thisUpdate),
      nextUpdate: wholeSeconds(thisUpdate + hourMs),
    });
  }

  /** Made at the first question, 50–200 ms, and kept for this process. */
  private signer(authority: CardAuthority, mode: OcspMode): Promise<OcspSigner> {
    const name = mode === 'wrong_key' || mode === 'not_a_responder' ? `${authority.id} ${mode}` : authority.id;
    const made = this.signers.get(name) ?? this.makeSigner(authority, mode);
    this.signers.set(name, made);
    return made;
  }

  private async makeSigner(authority: CardAuthority, mode: OcspMode): Promise<OcspSigner> {
    if (mode === 'not_a_responder') return appointResponder(authority, { usages: [] });
    return appointResponder(mode === 'wrong_key' ? await createAuthority(authority.kind, 1) : authority);
  }
}

/** A responder certificate that a CA issued, with a key of the CA's own kind. Deviations for tests of the verifier. */
export async function appointResponder(
  authority: Pick<CardAuthority, 'certificate' | 'signingKey'>,
  deviation: { usages?: readonly string[]; withoutNoCheck?: boolean; notAfter?: Date } = {},
): Promise<OcspSigner> {
  const signingAlgorithm = signingAlgorithmOf(authority.signingKey);
  const keys = await webcrypto.subtle.generateKey(
    signingAlgorithm.name === 'ECDSA'
      ? { name: 'ECDSA', namedCurve: 'P-384' }
      : { ...signingAlgorithm, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  );
  const usages = deviation.usages ?? [id_kp_OCSPSigning];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: 'C=JP, O=JPKI-TEST, CN=OCSP responder',
    issuer: authority.certificate.subjectName,
    notBefore: new Date('2010-01-01T00:00:00Z'),
    notAfter: deviation.notAfter ?? new Date('2079-12-31T23:59:59Z'),
    signingAlgorithm,
    signingKey: authority.signingKey,
    publicKey: keys.publicKey,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...(usages.length > 0 ? [new x509.ExtendedKeyUsageExtension([...usages])] : []),
      ...(deviation.withoutNoCheck
        ? []
        : [new x509.Extension(id_pkix_ocsp_nocheck, false, Buffer.from('0500', 'hex'))]),
      new x509.AuthorityKeyIdentifierExtension(keyIdentifier(authority.certificate), false),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, privateKey: KeyObject.from(keys.privateKey) };
}

/** A complete answer, DER: signed by a key of RSA with SHA-256 or of P-384 with SHA-384. */
export function signOcspResponse(
  signer: OcspSigner,
  content: {
    readonly producedAtMs: number;
    readonly responses: readonly SingleResponse[];
    readonly extensions: readonly Extension[];
    /** Leaves the responder's certificate out, as a CA does that signs by itself. */
    readonly withoutCertificate?: boolean;
  },
): Buffer {
  const own = AsnConvert.parse(signer.certificate.rawData, Certificate);
  const key = own.tbsCertificate.subjectPublicKeyInfo.subjectPublicKey;
  const data = new ResponseData({
    responderID: new ResponderID({
      byKey: new KeyHash(createHash('sha1').update(new Uint8Array(key)).digest()),
    }),
    producedAt: wholeSeconds(content.producedAtMs),
    responses: [...content.responses],
    ...(content.extensions.length > 0 && { responseExtensions: [...content.extensions] }),
  });
  const signature = signatures[signer.privateKey.asymmetricKeyType === 'ec' ? 'ec' : 'rsa'];
  const basic = new BasicOCSPResponse({
    tbsResponseData: data,
    signatureAlgorithm: new AlgorithmIdentifier({
      algorithm: signature.algorithm,
      ...(signature.hash === 'sha256' && { parameters: null }),
    }),
    signature: new Uint8Array(sign(signature.hash, Buffer.from(AsnConvert.serialize(data)), signer.privateKey)).buffer,
    ...(!content.withoutCertificate && { certs: [own] }),
  });
  return wrap(AsnConvert.serialize(basic));
}

function wrap(basic: ArrayBuffer): Buffer {
  const response = new OCSPResponse({
    responseStatus: OCSPResponseStatus.successful,
    responseBytes: new ResponseBytes({ responseType: id_pkix_ocsp_basic, response: new OctetString(basic) }),
  });
  return Buffer.from(AsnConvert.serialize(response));
}

function failure(responseStatus: OCSPResponseStatus): Buffer {
  return Buffer.from(AsnConvert.serialize(new OCSPResponse({ responseStatus })));
}

/** The id names this authority: by the hash of its name and the hash of its key. */
function isOf(authority: CardAuthority, id: CertID): boolean {
  const algorithm = hashOf(id);
  if (algorithm === undefined) return false;
  const { name, key } = namesOf(authority.certificate);
  const digest = (bytes: ArrayBuffer) => hash(algorithm, new Uint8Array(bytes), 'buffer');
  return (
    digest(name).equals(Buffer.from(id.issuerNameHash.buffer)) &&
    digest(key).equals(Buffer.from(id.issuerKeyHash.buffer))
  );
}

const names = new WeakMap<x509.X509Certificate, AuthorityNames>();

/** Read once: the responder stands in the way of every sign-in of a load test. */
function namesOf(certificate: x509.X509Certificate): AuthorityNames {
  const before = names.get(certificate);
  if (before) return before;
  const { subject, subjectPublicKeyInfo } = AsnConvert.parse(certificate.rawData, Certificate).tbsCertificate;
  const read = { name: AsnConvert.serialize(subject), key: subjectPublicKeyInfo.subjectPublicKey };
  names.set(certificate, read);
  return read;
}

function hashOf(id: CertID): string | undefined {
  return certIdHashes[id.hashAlgorithm.algorithm];
}

function changed(nonce: Extension): Extension {
  const value = Buffer.from(nonce.extnValue.buffer);
  value.writeUInt8(value.readUInt8(value.length - 1) ^ 1, value.length - 1);
  return new Extension({ extnID: nonce.extnID, critical: false, extnValue: new OctetString(value) });
}

function signingAlgorithmOf(key: webcrypto.CryptoKey): { name: string; hash: string } {
  return key.algorithm.name === 'ECDSA'
    ? { name: 'ECDSA', hash: 'SHA-384' }
    : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
}

/** Times in OCSP have no fractions (RFC 5280 §4.1.2.5.2). */
function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}
