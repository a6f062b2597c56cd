import 'reflect-metadata';
import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import { id_kp_OCSPSigning, id_pkix_ocsp_nocheck, ResponseData } from '@peculiar/asn1-ocsp';
import { AsnConvert, AsnProp, AsnPropTypes } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, Certificate } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import { RecentMap } from '@tsunagu/kernel';
import type { TrustedAuthority } from '../verification/trusted-authorities.js';
import { isSignedBy } from './signature-algorithms.js';

/** BasicOCSPResponse (RFC 6960 §4.2.1) with its certificates left as DER: a responder is nearly always known, and reading it is half the cost. */
export class SignedAnswer {
  @AsnProp({ type: ResponseData, raw: true })
  tbsResponseData = new ResponseData();
  tbsResponseDataRaw?: ArrayBuffer;

  @AsnProp({ type: AlgorithmIdentifier })
  signatureAlgorithm = new AlgorithmIdentifier();

  @AsnProp({ type: AsnPropTypes.BitString })
  signature = new ArrayBuffer(0);

  @AsnProp({ type: AsnPropTypes.Any, repeated: 'sequence', optional: true, context: 0 })
  certs?: ArrayBuffer[];
}

/** The authority that a question and its answer concern. */
export type OcspAuthority = Pick<TrustedAuthority, 'certificate' | 'publicKeyDer'>;

/** Whose signature under an answer counts, while it is valid. */
export interface OcspSigner {
  /** DER */
  readonly name: Buffer;
  /** The bits of the public key without their wrapping. */
  readonly key: Buffer;
  readonly publicKey: KeyObject;
  readonly validFromMs: number;
  readonly validToMs: number;
}

/** Responders kept of each CA: between so many and twice as many. */
const respondersMax = 50;

interface KnownSigners {
  readonly itself: OcspSigner;
  /** By SHA-256 of the DER. */
  readonly responders: RecentMap<string, OcspSigner>;
}
const known = new WeakMap<OcspAuthority, KnownSigners>();

/** The CA itself, as a signer of answers. */
export function signerOf(authority: OcspAuthority): OcspSigner {
  return knownOf(authority).itself;
}

/** Undefined for a certificate that is no responder of this CA. Valid or not is for the caller to look at. */
export function responderFrom(der: ArrayBuffer, authority: OcspAuthority): OcspSigner | undefined {
  const { responders } = knownOf(authority);
  const name = hash('sha256', new Uint8Array(der));
  const before = responders.get(name);
  if (before) return before;
  const certificate = AsnConvert.parse(der, Certificate);
  if (!isResponder(certificate, der, authority)) return undefined;
  const responder = signerFrom(certificate);
  responders.set(name, responder);
  return responder;
}

/**
 * RFC 6960 §4.2.2.2: a certificate that this CA's key itself issued, for signing OCSP answers. It must say that its own revocation need
 * not be checked: there is nobody else to ask about it.
 */
function isResponder(certificate: Certificate, der: ArrayBuffer, authority: OcspAuthority): boolean {
  const { tbsCertificate, tbsCertificateRaw, signatureAlgorithm, signatureValue } = certificate;
  const parsed = new x509.X509Certificate(der);
  const usages = parsed.getExtension(x509.KeyUsagesExtension)?.usages ?? x509.KeyUsageFlags.digitalSignature;
  const purposes = (parsed.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? []).map(String);
  return (
    purposes.includes(id_kp_OCSPSigning) &&
    (usages & x509.KeyUsageFlags.digitalSignature) !== 0 &&
    parsed.getExtension(x509.BasicConstraintsExtension)?.ca !== true &&
    parsed.getExtension(id_pkix_ocsp_nocheck) !== null &&
    tbsCertificate.signature.algorithm === signatureAlgorithm.algorithm &&
    signerOf(authority).name.equals(Buffer.from(AsnConvert.serialize(tbsCertificate.issuer))) &&
    isSignedBy(
      authority.certificate.publicKey,
      signatureAlgorithm.algorithm,
      tbsCertificateRaw && new Uint8Array(tbsCertificateRaw),
      new Uint8Array(signatureValue),
    )
  );
}

function knownOf(authority: OcspAuthority): KnownSigners {
  const before = known.get(authority);
  if (before) return before;
  const itself = signerFrom(AsnConvert.parse(authority.certificate.raw, Certificate));
  const read = { itself, responders: new RecentMap<string, OcspSigner>(respondersMax) };
  known.set(authority, read);
  return read;
}

function signerFrom({ tbsCertificate }: Certificate): OcspSigner {
  const { subject, subjectPublicKeyInfo, validity } = tbsCertificate;
  const spki = Buffer.from(AsnConvert.serialize(subjectPublicKeyInfo));
  return {
    name: Buffer.from(AsnConvert.serialize(subject)),
    key: Buffer.from(subjectPublicKeyInfo.subjectPublicKey),
    publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    validFromMs: validity.notBefore.getTime().getTime(),
    validToMs: validity.notAfter.getTime().getTime(),
  };
}
