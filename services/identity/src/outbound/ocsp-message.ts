import 'reflect-metadata';
import { hash, type KeyObject, randomBytes } from 'node:crypto';
import {
  CertID,
  id_pkix_ocsp_basic,
  id_pkix_ocsp_nonce,
  Nonce,
  OCSPRequest,
  OCSPResponse,
  OCSPResponseStatus,
  Request,
  type ResponderID,
  type ResponseData,
  type SingleResponse,
  TBSRequest,
} from '@peculiar/asn1-ocsp';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, Extension } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import { type OcspAuthority, responderFrom, SignedAnswer, signerOf } from './ocsp-responders.js';
import { isSignedBy } from './signature-algorithms.js';

export type CertIdHash = 'sha256' | 'sha1';

/** One question about one certificate, and what its answer must repeat. */
export interface OcspQuestion {
  readonly der: Uint8Array<ArrayBuffer>;
  readonly id: CertID;
  /** extnValue of the nonce extension. */
  readonly nonce: Buffer;
}

export interface OcspStatus {
  readonly status: 'good' | 'unknown' | 'revoked';
  readonly thisUpdateMs: number;
  /** Later than this it is out of date. */
  readonly usableUntilMs: number;
  /** Of a revoked certificate. */
  readonly reason: string;
  readonly sinceMs: number;
}

/** What a responder says instead of an answer (RFC 6960 §4.2.1): it answers, but not this question. */
export class OcspRefusal extends Error {
  constructor(readonly status: OCSPResponseStatus) {
    super(`the OCSP responder answered ${OCSPResponseStatus[status] ?? 'an unknown status'}`);
  }
}

/** RFC 9654 §2.1 */
const nonceBytes = 32;
const hashAlgorithms = {
  sha256: new AlgorithmIdentifier({ algorithm: '2.16.840.1.101.3.4.2.1', parameters: null }),
  sha1: new AlgorithmIdentifier({ algorithm: '1.3.14.3.2.26', parameters: null }),
} as const satisfies Record<CertIdHash, AlgorithmIdentifier>;
/** How far the responder's clock may be ahead of ours, and how long past nextUpdate its answer still stands. */
const toleranceMs = 5 * 60_000;
/** An answer without nextUpdate, or with one far off, speaks of at most so long ago. */
const ageMsMax = 24 * 3_600_000;
const certificatesMax = 5;

/** RFC 6960 §4.1.1. `serial`: hex without leading zeros. */
export function ocspQuestion(serial: string, authority: OcspAuthority, idHash: CertIdHash): OcspQuestion {
  const { name, key } = signerOf(authority);
  const digits = serial.length % 2 === 0 ? serial : `0${serial}`;
  const positive = /^[89a-f]/.test(digits) ? `00${digits}` : digits;
  const id = new CertID({
    hashAlgorithm: hashAlgorithms[idHash],
    issuerNameHash: new OctetString(hash(idHash, name, 'buffer')),
    issuerKeyHash: new OctetString(hash(idHash, key, 'buffer')),
    serialNumber: new Uint8Array(Buffer.from(positive, 'hex')).buffer,
  });
  const nonce = AsnConvert.serialize(new Nonce(randomBytes(nonceBytes)));
  const extension = new Extension({ extnID: id_pkix_ocsp_nonce, critical: false, extnValue: new OctetString(nonce) });
  const tbsRequest = new TBSRequest({
    requestList: [new Request({ reqCert: id })],
    requestExtensions: [extension],
  });
  const der = new Uint8Array(AsnConvert.serialize(new OCSPRequest({ tbsRequest })));
  return { der, id, nonce: Buffer.from(nonce) };
}

/** An answer, its content not yet read. Throws for bytes that are none. */
export function openOcspAnswer(der: Uint8Array<ArrayBuffer>): OCSPResponse {
  return AsnConvert.parse(der, OCSPResponse);
}

/**
 * What the answer says of the certificate asked about, once all of it was checked: signed by the CA's key or by a responder that this
 * key appointed, about this certificate, to this question, not from the future. Throws OcspRefusal, and Error when it is anything else.
 */
export function readOcspAnswer(
  { responseStatus, responseBytes }: OCSPResponse,
  question: OcspQuestion,
  authority: OcspAuthority,
  nowMs: number,
): OcspStatus {
  if (responseStatus !== OCSPResponseStatus.successful) throw new OcspRefusal(responseStatus);
  if (responseBytes?.responseType !== id_pkix_ocsp_basic) throw new Error('an OCSP answer of an unknown type');
  const basic = AsnConvert.parse(responseBytes.response.buffer, SignedAnswer);
  const { tbsResponseData: data, tbsResponseDataRaw: signed, signatureAlgorithm, signature } = basic;
  const isOurs = signerKeys(basic, authority, nowMs).some((key) =>
    isSignedBy(key, signatureAlgorithm.algorithm, signed && new Uint8Array(signed), new Uint8Array(signature)),
  );
  if (!isOurs) throw new Error('an OCSP answer that no responder of this CA signed');
  checkNonce(data, question);
  const single = aboutCertificate(data, question);
  const thisUpdateMs = single.thisUpdate.getTime();
  if (Math.max(thisUpdateMs, data.producedAt.getTime()) > nowMs + toleranceMs) {
    throw new Error('an OCSP answer from the future');
  }
  const nextUpdateMs = single.nextUpdate ? single.nextUpdate.getTime() + toleranceMs : Number.POSITIVE_INFINITY;
  const { good, revoked } = single.certStatus;
  return {
    status: revoked ? 'revoked' : good === null ? 'good' : 'unknown',
    thisUpdateMs,
    usableUntilMs: Math.min(nextUpdateMs, thisUpdateMs + ageMsMax),
    reason: x509.X509CrlReason[revoked?.revocationReason?.reason ?? 0] ?? 'unspecified',
    sinceMs: revoked?.revocationTime.getTime() ?? 0,
  };
}

function checkNonce(data: ResponseData, { nonce }: OcspQuestion): void {
  const extensions = data.responseExtensions ?? [];
  if (extensions.some(({ critical, extnID }) => critical && extnID !== id_pkix_ocsp_nonce)) {
    throw new Error('an OCSP answer with an unknown critical extension');
  }
  const nonces = extensions.filter(({ extnID }) => extnID === id_pkix_ocsp_nonce);
  if (nonces.length !== 1 || !nonces.every(({ extnValue }) => nonce.equals(Buffer.from(extnValue.buffer)))) {
    throw new Error('an OCSP answer to another question');
  }
}

function aboutCertificate(data: ResponseData, { id }: OcspQuestion): SingleResponse {
  const about = data.responses.filter(({ certID }) => isSame(certID, id));
  const [single] = about;
  if (!single || about.length > 1) throw new Error('an OCSP answer about another certificate');
  if (single.singleExtensions?.some(({ critical }) => critical)) {
    throw new Error('an OCSP answer with an unknown critical extension');
  }
  return single;
}

/** Parameters of the hash do not count: absent means the same as NULL (RFC 5754 §2). */
function isSame(one: CertID, other: CertID): boolean {
  return (
    one.hashAlgorithm.algorithm === other.hashAlgorithm.algorithm &&
    Buffer.from(one.issuerNameHash.buffer).equals(Buffer.from(other.issuerNameHash.buffer)) &&
    Buffer.from(one.issuerKeyHash.buffer).equals(Buffer.from(other.issuerKeyHash.buffer)) &&
    Buffer.from(one.serialNumber).equals(Buffer.from(other.serialNumber))
  );
}

/** Keys that may have signed it: of the responder that it names among its certificates, or the CA's own. */
function signerKeys(answer: SignedAnswer, authority: OcspAuthority, nowMs: number): readonly KeyObject[] {
  const { responderID } = answer.tbsResponseData;
  const appointed = (answer.certs ?? []).slice(0, certificatesMax).map((der) => responderFrom(der, authority));
  return [signerOf(authority), ...appointed]
    .filter((signer) => signer !== undefined)
    .filter(({ name, key }) => isNamed(responderID, name, key))
    .filter(({ validFromMs, validToMs }) => validFromMs <= nowMs && nowMs <= validToMs)
    .map(({ publicKey }) => publicKey);
}

/** RFC 6960 §4.2.1: by its name, or by the SHA-1 of its key. */
function isNamed({ byName, byKey }: ResponderID, name: Buffer, key: Buffer): boolean {
  if (byKey) return hash('sha1', key, 'buffer').equals(Buffer.from(byKey.buffer));
  return byName !== undefined && name.equals(Buffer.from(AsnConvert.serialize(byName)));
}
