import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { DistributionPointName, GeneralName, IssuingDistributionPoint } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import { readRevocationList } from './revocation-list.js';

const nowMs = Date.parse('2026-11-20T01:00:00Z');
const issuingPoint = 'http://jpki-test.invalid/crl/authentication-1/13101.crl';
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};
const p384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };

interface Signing {
  readonly algorithm: { readonly name: string; readonly hash: string };
  readonly keys: webcrypto.CryptoKeyPair;
}

const keysOf = async (algorithm: typeof rsa | typeof p384): Promise<Signing> => ({
  algorithm,
  keys: (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair,
});

function pointExtension(uri: string, more: Partial<IssuingDistributionPoint> = {}): x509.Extension {
  const distributionPoint = new DistributionPointName({
    fullName: [new GeneralName({ uniformResourceIdentifier: uri })],
  });
  const point = new IssuingDistributionPoint({ distributionPoint, ...more });
  return new x509.Extension('2.5.29.28', true, AsnConvert.serialize(point));
}

async function signed(
  { algorithm, keys }: Signing,
  extensions: readonly x509.Extension[] = [pointExtension(issuingPoint)],
  thisUpdateMs = nowMs,
): Promise<Uint8Array<ArrayBuffer>> {
  const list = await x509.X509CrlGenerator.create({
    issuer: 'C=JP, O=JPKI-TEST',
    thisUpdate: new Date(thisUpdateMs),
    nextUpdate: new Date(thisUpdateMs + 86_400_000),
    signingAlgorithm: algorithm,
    signingKey: keys.privateKey,
    entries: [
      { serialNumber: '00ab01', revocationDate: new Date(nowMs - 5_000), reason: x509.X509CrlReason.superseded },
    ],
    extensions: [...extensions],
  });
  return new Uint8Array(list.rawData);
}

describe('a revocation list', () => {
  let signer: Signing;
  beforeAll(async () => {
    signer = await keysOf(rsa);
  });
  const read = (der: Uint8Array<ArrayBuffer>, by = signer) =>
    readRevocationList(der, { issuerKey: KeyObject.from(by.keys.publicKey), issuingPoint, nowMs });

  it('is read when RSA with SHA-256 or P-384 with SHA-384 signed it', async () => {
    const entry = { reason: 'superseded', sinceMs: nowMs - 5_000 };
    expect(read(await signed(signer))).toEqual({
      thisUpdateMs: nowMs,
      nextUpdateMs: nowMs + 86_400_000,
      revoked: new Map([['ab01', entry]]),
    });
    const next = await keysOf(p384);
    expect(read(await signed(next), next).revoked.get('ab01')).toEqual(entry);
  });

  it.each([
    ['RSA with SHA-1', { ...rsa, hash: 'SHA-1' }],
    ['RSA with SHA-512', { ...rsa, hash: 'SHA-512' }],
    ['a short RSA key', { ...rsa, modulusLength: 1024 }],
    ['P-256', { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }],
    ['P-256 with SHA-384', { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-384' }],
  ])('is refused when %s signed it', async (_name, algorithm) => {
    const by = await keysOf(algorithm as typeof rsa);
    const der = await signed(by);
    expect(() => read(der, by)).toThrow('a wrong signature');
  });

  it('is refused when another key signed it, or a byte of it changed', async () => {
    const der = await signed(await keysOf(rsa));
    expect(() => read(der)).toThrow('a wrong signature');
    const bent = await signed(signer);
    const serial = Buffer.from(bent).indexOf(Buffer.from('ab01', 'hex'));
    bent[serial] = 0xac;
    expect(() => read(bent)).toThrow('a wrong signature');
  });

  it('is refused when it is another point’s, of no point, partial, indirect, of CAs, or of the future', async () => {
    const refusal = 'a revocation list of another issuing point';
    const others: x509.Extension[][] = [
      [pointExtension(issuingPoint.replace('13101', '13102'))],
      [],
      [pointExtension(issuingPoint, { indirectCRL: true })],
      [pointExtension(issuingPoint, { onlyContainsCACerts: true })],
    ];
    for (const extensions of others) {
      const der = await signed(signer, extensions);
      expect(() => read(der)).toThrow(refusal);
    }
    const delta = new x509.Extension('2.5.29.27', true, Buffer.from('020101', 'hex'));
    const partial = await signed(signer, [pointExtension(issuingPoint), delta]);
    expect(() => read(partial)).toThrow('an unknown critical extension');
    expect(read(await signed(signer, undefined, nowMs + 300_000)).thisUpdateMs).toBe(nowMs + 300_000);
    const early = await signed(signer, undefined, nowMs + 301_000);
    expect(() => read(early)).toThrow('from the future');
  });
});
