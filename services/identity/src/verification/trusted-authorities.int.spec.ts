import 'reflect-metadata';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { createAuthority } from '@tsunagu/testing';
import { algorithms, type Forgery, forge, forgerOf } from './test-certificates.js';
import { authorityExtensions } from './test-forge.js';
import { readTrustedAuthorities } from './trusted-authorities.js';

type Deviation = Partial<Forgery>;
const usage = (flags: number) => new x509.KeyUsagesExtension(flags, true);
const isAuthority = new x509.BasicConstraintsExtension(true, undefined, true);
const signs = usage(x509.KeyUsageFlags.keyCertSign);

const unfit: readonly (readonly [name: string, deviation: () => Deviation, why: RegExp])[] = [
  ['no CA bit', () => ({ extensions: ({ subjectKeyId }) => [signs, subjectKeyId] }), /no authority/],
  [
    'the CA bit off',
    () => ({ extensions: ({ subjectKeyId }) => [new x509.BasicConstraintsExtension(false), signs, subjectKeyId] }),
    /no authority/,
  ],
  [
    'a key that signs lists only',
    () => ({ extensions: ({ subjectKeyId }) => [isAuthority, usage(x509.KeyUsageFlags.cRLSign), subjectKeyId] }),
    /may not sign certificates/,
  ],
  ['no key usage', () => ({ extensions: ({ subjectKeyId }) => [isAuthority, subjectKeyId] }), /may not sign/],
  ['no key identifier', () => ({ extensions: () => [isAuthority, signs] }), /no subjectKeyIdentifier/],
  [
    'a critical extension that nobody knows',
    () => ({
      extensions: (usual) => [
        ...authorityExtensions(usual),
        new x509.Extension('1.2.3.4', true, Buffer.from('0500', 'hex')),
      ],
    }),
    /critical extension/,
  ],
  ['a short key', () => ({ keys: generateKeyPairSync('rsa', { modulusLength: 1024 }) }), /no profile/],
  ['two signature algorithms', () => ({ outerAlgorithm: algorithms.rsaSha1 }), /two signature algorithms/],
  [
    'malformed name constraints',
    () => ({
      extensions: (usual) => [
        ...authorityExtensions(usual),
        new x509.Extension('2.5.29.30', true, Buffer.from('3002a500', 'hex')),
      ],
    }),
    /name constraints/,
  ],
];

describe('pinned authorities', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsunagu-trusted-'));
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  async function pinned(deviation: Deviation = {}): Promise<void> {
    const issuer = forgerOf(await createAuthority('authentication', 1, 'p384'));
    const self = { issuer: { ...issuer, key: keys.privateKey }, keys, extensions: authorityExtensions };
    const der = forge({ ...self, subject: issuer.certificate.subject, ...deviation }, Date.now());
    const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
    writeFileSync(join(directory, 'signature-1.pem'), pem);
  }

  it('are read by their file names, with their profile', async () => {
    await pinned();
    expect(readTrustedAuthorities(directory)).toMatchObject([{ kind: 'signature', profile: 'rsa' }]);
  });

  it.each(unfit)('refuse a start with %s', async (_name, deviation, why) => {
    await pinned(deviation());
    expect(() => readTrustedAuthorities(directory)).toThrow(why);
  });

  it('refuse a start with none', () => {
    expect(() => readTrustedAuthorities(join(directory, 'nowhere'))).toThrow(/holds no CA certificate/);
  });
});
