import 'reflect-metadata';
import { KeyObject, X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import {
  CertID,
  CertStatus,
  id_pkix_ocsp_nonce,
  OCSPResponse,
  OCSPResponseStatus,
  RevokedInfo,
  SingleResponse,
} from '@peculiar/asn1-ocsp';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { CRLReason, Extension } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import { appointResponder, createAuthority, type OcspSigner, signOcspResponse } from '@tsunagu/testing';
import { type OcspQuestion, OcspRefusal, ocspQuestion, openOcspAnswer, readOcspAnswer } from './ocsp-message.js';
import type { OcspAuthority } from './ocsp-responders.js';

const nowMs = Date.parse('2026-11-20T01:00:00Z');
const minuteMs = 60_000;
const serial = '8f00000000000001';

interface Ca {
  readonly certificate: x509.X509Certificate;
  readonly signingKey: webcrypto.CryptoKey;
  readonly trusted: OcspAuthority;
}

/** The CA of the next card (DOMAIN §3): P-384 and SHA-384. */
async function p384Authority() {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'C=JP, O=JPKI-TEST, OU=next',
    notBefore: new Date('2010-01-01T00:00:00Z'),
    notAfter: new Date('2079-12-31T23:59:59Z'),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, signingKey: keys.privateKey };
}

function trusted(certificate: x509.X509Certificate): OcspAuthority {
  const node = new NodeCertificate(certificate.toString('pem'));
  const publicKeyDer = node.publicKey.export({ format: 'der', type: 'spki' });
  return { certificate: node, publicKeyDer };
}

let rsa: Ca;
let ec: Ca;
let responder: OcspSigner;
beforeAll(async () => {
  const [first, next] = await Promise.all([createAuthority('authentication', 1), p384Authority()]);
  rsa = { ...first, trusted: trusted(first.certificate) };
  ec = { ...next, trusted: trusted(next.certificate) };
  responder = await appointResponder(rsa);
});

interface Content {
  readonly id: CertID;
  readonly status: CertStatus;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  readonly producedAtMs: number;
  readonly nonces: readonly Extension[];
  readonly more: readonly SingleResponse[];
}

const nonce = (value: Buffer) =>
  new Extension({ extnID: id_pkix_ocsp_nonce, critical: false, extnValue: new OctetString(value) });
const single = ({ id, status, thisUpdateMs, nextUpdateMs }: Content) =>
  new SingleResponse({
    certID: id,
    certStatus: status,
    thisUpdate: new Date(thisUpdateMs),
    ...(nextUpdateMs !== undefined && { nextUpdate: new Date(nextUpdateMs) }),
  });

function answer(
  question: OcspQuestion,
  change: Partial<Content> = {},
  signer: OcspSigner = responder,
  withoutCertificate = false,
): Uint8Array<ArrayBuffer> {
  const content: Content = {
    id: question.id,
    status: new CertStatus({ good: null }),
    thisUpdateMs: nowMs,
    nextUpdateMs: nowMs + 60 * minuteMs,
    producedAtMs: nowMs,
    nonces: [nonce(question.nonce)],
    more: [],
    ...change,
  };
  const der = signOcspResponse(signer, {
    producedAtMs: content.producedAtMs,
    responses: [single(content), ...content.more],
    extensions: content.nonces,
    withoutCertificate,
  });
  return new Uint8Array(der);
}

const ask = (ca = rsa) => ocspQuestion(serial, ca.trusted, 'sha256');
const read = (der: Uint8Array<ArrayBuffer>, question: OcspQuestion, ca = rsa) =>
  readOcspAnswer(openOcspAnswer(der), question, ca.trusted, nowMs);

describe('an OCSP answer', () => {
  it('says good, unknown, or revoked with its reason and time', () => {
    const question = ask();
    expect(read(answer(question), question)).toMatchObject({ status: 'good', thisUpdateMs: nowMs });
    const unknown = new CertStatus({ unknown: null });
    expect(read(answer(question, { status: unknown }), question).status).toBe('unknown');
    const revokedInfo = new RevokedInfo({
      revocationTime: new Date(nowMs - minuteMs),
      revocationReason: new CRLReason(6),
    });
    const revoked = new CertStatus({ revoked: revokedInfo });
    expect(read(answer(question, { status: revoked }), question)).toMatchObject({
      status: 'revoked',
      reason: 'certificateHold',
      sinceMs: nowMs - minuteMs,
    });
    const unexplained = new CertStatus({ revoked: new RevokedInfo({ revocationTime: new Date(nowMs) }) });
    expect(read(answer(question, { status: unexplained }), question).reason).toBe('unspecified');
  });

  it('may be signed by the CA itself, and by P-384 with SHA-384', async () => {
    const question = ask();
    const itself = { certificate: rsa.certificate, privateKey: KeyObject.from(rsa.signingKey) };
    expect(read(answer(question, {}, itself), question).status).toBe('good');
    expect(read(answer(question, {}, itself, true), question).status).toBe('good');
    const next = ask(ec);
    expect(read(answer(next, {}, await appointResponder(ec)), next, ec).status).toBe('good');
  });

  it('stands until its next update and 5 minutes, at most a day', () => {
    const question = ask();
    expect(read(answer(question), question).usableUntilMs).toBe(nowMs + 65 * minuteMs);
    const dayMs = 24 * 60 * minuteMs;
    expect(read(answer(question, { nextUpdateMs: undefined }), question).usableUntilMs).toBe(nowMs + dayMs);
    expect(read(answer(question, { nextUpdateMs: nowMs + 30 * dayMs }), question).usableUntilMs).toBe(nowMs + dayMs);
  });

  it('is asked for by the serial number as DER writes it', () => {
    const bytes = (hex: string) => Buffer.from(ocspQuestion(hex, rsa.trusted, 'sha1').id.serialNumber).toString('hex');
    expect([bytes('8f01'), bytes('7f01'), bytes('f01'), bytes('a')]).toEqual(['008f01', '7f01', '0f01', '0a']);
    expect(ask().nonce.subarray(0, 2).toString('hex')).toBe('0420');
    expect(ask().nonce.equals(ask().nonce)).toBe(false);
  });
});

describe('an OCSP answer is refused', () => {
  const refused = (der: Uint8Array<ArrayBuffer>, question: OcspQuestion, ca = rsa) =>
    expect(() => read(der, question, ca));

  it('with another nonce, two or none', () => {
    const question = ask();
    const message = 'an OCSP answer to another question';
    refused(answer(question, { nonces: [nonce(ask().nonce)] }), question).toThrow(message);
    refused(answer(question, { nonces: [] }), question).toThrow(message);
    refused(answer(question, { nonces: [nonce(question.nonce), nonce(question.nonce)] }), question).toThrow(message);
  });

  it('about another certificate, another CA, by another hash, or twice', () => {
    const question = ask();
    const message = 'an OCSP answer about another certificate';
    for (const other of [
      ocspQuestion('8f00000000000002', rsa.trusted, 'sha256'),
      ocspQuestion(serial, ec.trusted, 'sha256'),
      ocspQuestion(serial, rsa.trusted, 'sha1'),
    ]) {
      refused(answer(question, { id: other.id }), question).toThrow(message);
    }
    const again = new SingleResponse({
      certID: question.id,
      certStatus: new CertStatus({ unknown: null }),
      thisUpdate: new Date(nowMs),
    });
    refused(answer(question, { more: [again] }), question).toThrow(message);
  });

  it('with an extension that is critical and unknown', () => {
    const question = ask();
    const odd = new Extension({
      extnID: '1.2.3.4',
      critical: true,
      extnValue: new OctetString(Buffer.from('0500', 'hex')),
    });
    refused(answer(question, { nonces: [nonce(question.nonce), odd] }), question).toThrow('critical');
  });

  it('from the future', () => {
    const question = ask();
    const at = (ms: number) => answer(question, { thisUpdateMs: ms, producedAtMs: ms });
    expect(read(at(nowMs + 5 * minuteMs), question).status).toBe('good');
    refused(at(nowMs + 5 * minuteMs + 1_000), question).toThrow('future');
  });

  it('signed by anybody but a responder that this CA key appointed', async () => {
    const question = ask();
    const message = 'no responder of this CA signed';
    const [stranger, another] = await Promise.all([createAuthority('authentication', 1), appointResponder(rsa)]);
    const signers: OcspSigner[] = [
      await appointResponder(stranger),
      await appointResponder(rsa, { usages: [] }),
      await appointResponder(rsa, { usages: [x509.ExtendedKeyUsage.clientAuth] }),
      await appointResponder(rsa, { withoutNoCheck: true }),
      await appointResponder(rsa, { notAfter: new Date(nowMs - 1_000) }),
      { certificate: responder.certificate, privateKey: another.privateKey },
      { certificate: rsa.certificate, privateKey: another.privateKey },
    ];
    for (const signer of signers) refused(answer(question, {}, signer), question).toThrow(message);
    refused(answer(question, {}, responder, true), question).toThrow(message);
    // The CA of another kind has other responders.
    refused(answer(question), question, ec).toThrow(message);
  });

  it('with one byte changed, wherever it is', () => {
    const question = ask();
    const der = answer(question);
    let unreadable = 0;
    for (let at = 0; at < der.length; at += 13) {
      const bent = new Uint8Array(der);
      bent[at] = (bent[at] ?? 0) ^ 1;
      let status = 'refused';
      try {
        ({ status } = read(bent, question));
      } catch {
        unreadable += 1;
      }
      // What lies outside the signed parts of answer and certificate may change without saying anything else.
      expect(['refused', 'good']).toContain(status);
    }
    expect(unreadable).toBeGreaterThan(der.length / 15);
  });

  it('as what it is, when the responder says so', () => {
    const question = ask();
    const failure = new OCSPResponse({ responseStatus: OCSPResponseStatus.tryLater });
    refused(new Uint8Array(AsnConvert.serialize(failure)), question).toThrow(OcspRefusal);
    const empty = new OCSPResponse({ responseStatus: OCSPResponseStatus.successful });
    refused(new Uint8Array(AsnConvert.serialize(empty)), question).toThrow('unknown type');
    refused(new Uint8Array([0x30, 0x03]), question).toThrow();
    refused(new Uint8Array(0), question).toThrow();
  });
});
