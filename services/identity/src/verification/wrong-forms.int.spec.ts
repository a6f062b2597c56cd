import 'reflect-metadata';
import { hash, randomBytes } from 'node:crypto';
import { Version } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import {
  algorithms,
  changedPart,
  type Forgery,
  headerOctets,
  partsOf,
  sequence,
  tlv,
  turned,
  withRawExtension,
} from './test-certificates.js';
import { type Attempt, type Attempts, type Forge, openForge } from './test-forge.js';

const rsaKeyAlgorithm = Buffer.from('300d06092a864886f70d0101010500', 'hex');
const sha256DigestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** SubjectPublicKeyInfo of an RSA key that nobody needs to have. */
function rsaKeyInfo(modulus: Buffer, exponent: Buffer): Buffer {
  const integer = (number: Buffer) =>
    tlv(0x02, (number[0] ?? 0) < 0x80 ? number : Buffer.concat([Buffer.of(0), number]));
  return sequence(
    rsaKeyAlgorithm,
    tlv(0x03, Buffer.concat([Buffer.of(0), sequence(integer(modulus), integer(exponent))])),
  );
}
function oddModulus(octets: number): Buffer {
  const modulus = randomBytes(octets);
  modulus[0] = 0xc1;
  modulus[octets - 1] = 0xc1;
  return modulus;
}
/** What RSA with the exponent 1 leaves as it is: the padded digest is its own signature. */
const padded = (nonce: Buffer) => {
  const info = Buffer.concat([sha256DigestInfo, hash('sha256', nonce, 'buffer')]);
  return Buffer.concat([Buffer.of(0, 1), Buffer.alloc(256 - 3 - info.length, 0xff), Buffer.of(0), info]);
};
/** A point of P-384 with its SubjectPublicKeyInfo. */
function p384KeyInfo(point: Buffer): Buffer {
  const algorithm = Buffer.from('301006072a8648ce3d020106052b81040022', 'hex');
  return sequence(algorithm, tlv(0x03, Buffer.concat([Buffer.of(0), point])));
}
const changed = (change: NonNullable<Forgery['change']>): Attempt => ({ change });
/** An OCTET STRING in an extension with this criticality. */
const criticality = (octet: number): Attempt => ({
  changeTbs: (tbs) =>
    withRawExtension(
      tbs,
      sequence(Buffer.from('06082a83088c9a4b0909', 'hex'), Buffer.of(1, 1, octet), Buffer.of(4, 0)),
    ),
});
const generalized = (ms: number) => tlv(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\..*/g, '')}Z`));
const utc = (text: string) => tlv(0x17, Buffer.from(text));
const junk = () => ({ signed: () => randomBytes(256) });

const unlisted: Attempts = [
  ['RSA of 1024 bits', ({ keys }) => ({ keys: keys.rsa1024 })],
  ['RSA of 3072 bits', ({ keys }) => ({ keys: keys.rsa3072 })],
  ['RSA of 8192 bits', () => ({ publicKeyDer: rsaKeyInfo(oddModulus(1024), Buffer.of(1, 0, 1)), ...junk() })],
  ['RSA with the exponent 3', ({ keys }) => ({ keys: keys.exponent3 })],
  [
    'RSA with the exponent 1, whose signatures anybody can make',
    () => ({ publicKeyDer: rsaKeyInfo(oddModulus(256), Buffer.of(1)), signed: padded }),
  ],
  ['RSA with a huge exponent', () => ({ publicKeyDer: rsaKeyInfo(oddModulus(256), oddModulus(250)), ...junk() })],
  [
    'RSA with an even modulus',
    () => ({
      publicKeyDer: rsaKeyInfo(Buffer.concat([Buffer.of(0xc1), Buffer.alloc(255)]), Buffer.of(1, 0, 1)),
      ...junk(),
    }),
  ],
  ['an RSA key for PSS only', ({ keys }) => ({ keys: keys.rsaPss })],
  ['P-256', ({ keys }) => ({ keys: keys.p256 })],
  ['Ed25519', ({ keys }) => ({ keys: keys.ed25519 })],
  [
    'a point off P-384',
    () => ({ publicKeyDer: p384KeyInfo(Buffer.concat([Buffer.of(4), randomBytes(96)])), ...junk() }),
  ],
  ['the point at infinity', () => ({ publicKeyDer: p384KeyInfo(Buffer.of(0)), ...junk() })],
  [
    'a compressed point of P-384',
    () => ({ publicKeyDer: p384KeyInfo(Buffer.concat([Buffer.of(2), randomBytes(48)])), ...junk() }),
  ],
];

const signatures: Attempts = [
  ['SHA-1', () => ({ algorithm: algorithms.rsaSha1 })],
  ['MD5', () => ({ algorithm: algorithms.rsaMd5 })],
  ['SHA-384', () => ({ algorithm: algorithms.rsaSha384 })],
  ['SHA-512', () => ({ algorithm: algorithms.rsaSha512 })],
  ['RSA-PSS', () => ({ algorithm: algorithms.rsaPss })],
  ['an algorithm without its NULL', () => ({ algorithm: algorithms.rsaSha256WithoutNull })],
  ['an algorithm that nobody knows', () => ({ algorithm: algorithms.unheardOf })],
  ['SHA-1 inside, SHA-256 outside', () => ({ algorithm: algorithms.rsaSha1, outerAlgorithm: algorithms.rsaSha256 })],
  ['SHA-256 inside, SHA-1 outside', () => ({ outerAlgorithm: algorithms.rsaSha1 })],
  ['SHA-256 by name, SHA-1 in fact', () => ({ algorithm: { ...algorithms.rsaSha256, digest: 'sha1' } })],
  ['PSS in fact', () => ({ algorithm: { ...algorithms.rsaPss, identifier: algorithms.rsaSha256.identifier } })],
  ['a P-384 key under an RSA authority', ({ keys }) => ({ keys: keys.p384 })],
  ['an RSA key under a P-384 authority', ({ p384 }) => ({ issuer: p384, algorithm: algorithms.ecdsaSha384 })],
  ['P-384 with SHA-256', ({ p384, keys }) => ({ issuer: p384, keys: keys.p384, algorithm: algorithms.ecdsaSha256 })],
  ['a bit that was turned in it', () => ({ changeSignature: (signature) => turned(signature, 200, 1) })],
  ['its last octet cut off', () => ({ changeSignature: (signature) => signature.subarray(0, -1) })],
  ['an octet more', () => ({ changeSignature: (signature) => Buffer.concat([Buffer.of(0), signature]) })],
  ['only zeros', () => ({ changeSignature: () => Buffer.alloc(256) })],
  ['nothing', () => ({ changeSignature: () => Buffer.alloc(0) })],
  [
    'that of another certificate',
    ({ certificate }) => ({
      changeDer: (der) => sequence(...partsOf(der).slice(0, 2), ...partsOf(certificate()).slice(2)),
    }),
  ],
  [
    'a bit that was turned in what it signs',
    () => ({ changeDer: (der) => changedPart(der, 0, (tbs) => turned(tbs, tbs.length - 10, 4)) }),
  ],
];

const serial = (hex: string): Attempt =>
  changed((tbs) => {
    tbs.serialNumber = new Uint8Array(Buffer.from(hex, 'hex')).buffer;
  });
const twice = (name: 'policy' | 'authorityKeyId'): Pick<Forgery, 'extensions'> => ({
  extensions: (usual) => [...Object.values(usual), usual[name]],
});

const faulty: Attempts = [
  [
    'version 1',
    () =>
      changed((tbs) => {
        tbs.version = Version.v1;
        delete tbs.extensions;
      }),
  ],
  [
    'version 2',
    () =>
      changed((tbs) => {
        tbs.version = Version.v2;
      }),
  ],
  [
    'version 4',
    () =>
      changed((tbs) => {
        tbs.version = 3 as Version;
      }),
  ],
  ['a negative serial number', () => serial('c0ffee00c0ffee')],
  ['the serial number zero', () => serial('00')],
  ['a serial number of 21 octets', () => serial('41'.repeat(21))],
  ['an extension twice', () => twice('authorityKeyId')],
  ['policies twice', () => twice('policy')],
  [
    'unique identifiers',
    () =>
      changed((tbs) => {
        tbs.subjectUniqueID = new Uint8Array([1, 2, 3]).buffer;
      }),
  ],
  ['no common name', () => ({ subject: 'C=JP, O=JPKI-TEST' })],
  [
    'a time of before 2050 in the form of after',
    ({ nowMs }) => ({
      changeTbs: (tbs) =>
        changedPart(tbs, 4, () => sequence(generalized(nowMs() - 86_400_000), generalized(nowMs() + 86_400_000))),
    }),
  ],
];

const notDer: Attempts = [
  ['an octet behind its end', () => ({ changeDer: (der) => Buffer.concat([der, Buffer.of(0)]) })],
  ['itself twice', () => ({ changeDer: (der) => Buffer.concat([der, der]) })],
  ['an element more', () => ({ changeDer: (der) => sequence(...partsOf(der), Buffer.of(5, 0)) })],
  ['an element more inside', () => ({ changeTbs: (tbs) => sequence(...partsOf(tbs), Buffer.of(5, 0)) })],
  ['its end cut off', () => ({ changeDer: (der) => der.subarray(0, -1) })],
  [
    'a length with a leading zero',
    () => ({ changeDer: (der) => Buffer.concat([Buffer.of(0x30, 0x83, 0), der.subarray(2)]) }),
  ],
  [
    'an indefinite length',
    () => ({
      changeDer: (der) => Buffer.concat([Buffer.of(0x30, 0x80), der.subarray(headerOctets(der)), Buffer.of(0, 0)]),
    }),
  ],
  [
    'a length in long form that fits in the short one',
    () => ({
      changeTbs: (tbs) => changedPart(tbs, 1, (part) => Buffer.concat([Buffer.of(0x02, 0x81), part.subarray(1)])),
    }),
  ],
  [
    'a serial number with a zero before it',
    () => ({
      changeTbs: (tbs) => changedPart(tbs, 1, (part) => tlv(0x02, Buffer.concat([Buffer.of(0), part.subarray(2)]))),
    }),
  ],
  ['an empty serial number', () => ({ changeTbs: (tbs) => changedPart(tbs, 1, () => Buffer.of(2, 0)) })],
  [
    'its default version written',
    () => ({ changeTbs: (tbs) => changedPart(tbs, 0, () => Buffer.from('a003020100', 'hex')) }),
  ],
  [
    'a text that is no UTF-8',
    () => ({
      changeTbs: (tbs) =>
        changedPart(tbs, 5, () =>
          sequence(tlv(0x31, sequence(Buffer.from('0603550403', 'hex'), tlv(0x0c, Buffer.of(0xc0, 0x80))))),
        ),
    }),
  ],
  [
    'a time without seconds',
    () => ({ changeTbs: (tbs) => changedPart(tbs, 4, () => sequence(utc('2601010000Z'), utc('3001010000Z'))) }),
  ],
  [
    'the 31st of February',
    () => ({ changeTbs: (tbs) => changedPart(tbs, 4, () => sequence(utc('260231000000Z'), utc('300101000000Z'))) }),
  ],
  ['a criticality that is written though it is the default', () => criticality(0)],
  ['a criticality of another true', () => criticality(1)],
  [
    'an authority key identifier that is none',
    () => ({
      extensions: ({ authorityKeyId: _, ...usual }) => [
        ...Object.values(usual),
        new x509.Extension('2.5.29.35', false, Buffer.from('0500', 'hex')),
      ],
    }),
  ],
  ['nothing but a sequence', () => ({ changeDer: () => Buffer.from('3000', 'hex') })],
  [
    'its own text form',
    () => ({ changeDer: (der) => Buffer.from(new x509.X509Certificate(new Uint8Array(der)).toString('pem')) }),
  ],
  ['only what is signed', () => ({ changeDer: (der) => partsOf(der)[0] ?? der })],
  ['a public key', ({ keys }) => ({ der: keys.rsa.publicKey.export({ format: 'der', type: 'spki' }) })],
  [
    'four thousand sequences in each other',
    () => ({ der: Buffer.concat(Array.from({ length: 3_000 }, () => Buffer.from('3080', 'hex'))) }),
  ],
  ['a length beyond everything', () => ({ der: Buffer.from('3084ffffffff0000', 'hex') })],
];

describe('a certificate is refused for', () => {
  let forge: Forge;
  beforeAll(async () => {
    forge = await openForge();
  });
  afterAll(() => forge.identity.close());

  it.each(unlisted)('its key, %s: no signature by it is accepted', async (_name, attempt) => {
    expect(await forge.present(attempt(forge))).toEqual([401, 'identity.signature_invalid']);
  });

  it.each(signatures)('its signature, %s', async (_name, attempt) => {
    expect(await forge.present(attempt(forge))).toEqual([401, 'identity.chain_untrusted']);
  });

  it.each(faulty)('its fields, %s', async (_name, attempt) => {
    expect(await forge.present(attempt(forge))).toEqual([401, 'identity.chain_untrusted']);
  });

  it.each(notDer)('its bytes, %s: it is no certificate', async (_name, attempt) => {
    expect(await forge.present(attempt(forge))).toEqual([400, 'request.invalid']);
  });

  it('nothing of that, when it is of the next card', async () => {
    // The test issuer has no list by this authority.
    expect(await forge.present(forge.nextCard)).toEqual([503, 'identity.revocation_unavailable']);
  });
});
