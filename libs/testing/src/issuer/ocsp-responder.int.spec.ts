import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BasicOCSPResponse,
  CertID,
  id_pkix_ocsp_nonce,
  OCSPRequest,
  OCSPResponse,
  OCSPResponseStatus,
  Request,
  TBSRequest,
} from '@peculiar/asn1-ocsp';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, Certificate, Extension } from '@peculiar/asn1-x509';
import { X509Certificate } from '@peculiar/x509';
import { type Card, keyPool, newCard } from './card.js';
import { holdCard } from './card-life.js';
import { IssuerStore } from './issuer-store.js';
import { OcspResponder } from './ocsp-responder.js';

const nowMs = Date.parse('2026-11-20T01:00:00Z');
const sha1 = new AlgorithmIdentifier({ algorithm: '1.3.14.3.2.26', parameters: null });

describe('the OCSP responder of the test issuer', () => {
  let directory: string;
  let store: IssuerStore;
  let responder: OcspResponder;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tsunagu-ocsp-'));
    store = await IssuerStore.open(directory);
    responder = new OcspResponder(store, { now: () => nowMs });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const authority = () => store.authority('authentication-1');
  /** A question about certificates by their SHA-1 ids, made here by hand and not by the client. */
  const question = async (cards: readonly Card[], of = authority()) => {
    const { subject, subjectPublicKeyInfo } = AsnConvert.parse(of.certificate.rawData, Certificate).tbsCertificate;
    const digest = async (bytes: ArrayBuffer) => new OctetString(await crypto.subtle.digest('SHA-1', bytes));
    const [issuerNameHash, issuerKeyHash] = await Promise.all([
      digest(AsnConvert.serialize(subject)),
      digest(subjectPublicKeyInfo.subjectPublicKey),
    ]);
    const requestList = cards.map((card) => {
      const { serialNumber } = new X509Certificate(Buffer.from(card.certificate, 'base64'));
      const serial = new Uint8Array(Buffer.from(serialNumber, 'hex')).buffer;
      const reqCert = new CertID({ hashAlgorithm: sha1, issuerNameHash, issuerKeyHash, serialNumber: serial });
      return new Request({ reqCert });
    });
    const extnValue = new OctetString(Buffer.from('0403010203', 'hex'));
    const requestExtensions = [new Extension({ extnID: id_pkix_ocsp_nonce, critical: false, extnValue })];
    return Buffer.from(
      AsnConvert.serialize(new OCSPRequest({ tbsRequest: new TBSRequest({ requestList, requestExtensions }) })),
    );
  };
  const ask = async (der: Buffer) => AsnConvert.parse(await responder.answer(authority(), der, 'fresh'), OCSPResponse);

  it('answers for each certificate asked about, from the books, and repeats the nonce', async () => {
    const make = () => newCard(store, { keys: keyPool(1), nowMs });
    const [good, held] = [await make(), await make()];
    holdCard(store, held, { nowMs });
    const { responseStatus, responseBytes } = await ask(await question([good, held]));
    expect(responseStatus).toBe(OCSPResponseStatus.successful);
    const { tbsResponseData } = AsnConvert.parse(
      responseBytes?.response.buffer ?? new ArrayBuffer(0),
      BasicOCSPResponse,
    );
    const statuses = tbsResponseData.responses.map(({ certStatus }) => certStatus);
    expect(statuses[0]?.good).toBeNull();
    expect(statuses[1]?.revoked?.revocationTime.getTime()).toBe(nowMs);
    expect(statuses[1]?.revoked?.revocationReason?.reason).toBe(6);
    const [nonce] = tbsResponseData.responseExtensions ?? [];
    expect(Buffer.from(nonce?.extnValue.buffer ?? new ArrayBuffer(0)).toString('hex')).toBe('0403010203');
  });

  it('says what it cannot answer: bytes that are no request, an empty one, certificates of another CA', async () => {
    const { malformedRequest, unauthorized } = OCSPResponseStatus;
    expect((await ask(Buffer.from('3000', 'hex'))).responseStatus).toBe(malformedRequest);
    expect((await ask(Buffer.from('no request'))).responseStatus).toBe(malformedRequest);
    expect((await ask(Buffer.alloc(0))).responseStatus).toBe(malformedRequest);
    expect((await ask(await question([]))).responseStatus).toBe(malformedRequest);
    const card = await newCard(store, { keys: keyPool(1), nowMs });
    // The other generation has the same name and another key.
    const other = await question([card], store.authority('authentication-2'));
    expect((await ask(other)).responseStatus).toBe(unauthorized);
  });
});
