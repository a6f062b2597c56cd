import 'reflect-metadata';
import { AsnConvert } from '@peculiar/asn1-schema';
import { GeneralName, Name, SubjectAlternativeName } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import { type Forger, type Forgery, keyIdOf } from './test-certificates.js';
import {
  type Attempts,
  authorityExtensions,
  directoryName,
  type Forge,
  intermediate,
  openForge,
} from './test-forge.js';

const minuteMs = 60_000;
const { KeyUsageFlags } = x509;
const subject = (more: string) => `C=JP, ${more}, CN=ABCDEFGHIJKLMN13101001A`;
const nameOf = (text: string) => AsnConvert.parse(new x509.Name(text).toArrayBuffer(), Name);
type Extended = Pick<Forgery, 'extensions'>;
const more = (...extensions: readonly x509.Extension[]): Extended => ({
  extensions: (usual) => [...Object.values(usual), ...extensions],
});
const namedKey = (issuer: Forger): Extended => ({
  extensions: (usual) =>
    Object.values({ ...usual, authorityKeyId: new x509.AuthorityKeyIdentifierExtension(keyIdOf(issuer.certificate)) }),
});
const alternative = (name: GeneralName): Extended =>
  more(new x509.Extension('2.5.29.17', false, AsnConvert.serialize(new SubjectAlternativeName([name]))));
const raw = (type: string, hex: string): Extended => more(new x509.Extension(type, true, Buffer.from(hex, 'hex')));
const policies = (...values: string[]): Extended => ({
  extensions: (usual) => Object.values({ ...usual, policy: new x509.CertificatePolicyExtension(values, true) }),
});
const usage = (flags: number): Extended => ({
  extensions: (usual) => Object.values({ ...usual, keyUsage: new x509.KeyUsagesExtension(flags, true) }),
});
const usesOnly = (purpose: string): Extended => more(new x509.ExtendedKeyUsageExtension([purpose], false));
const without = (name: 'policy' | 'keyUsage' | 'authorityKeyId'): Extended => ({
  extensions: ({ [name]: _, ...others }) => Object.values(others),
});

const untrusted: Attempts = [
  ['another key under the right name', ({ keys }) => ({ signedBy: keys.stranger.privateKey })],
  [
    'the right key under a wrong name',
    () => ({
      change: (tbs) => {
        tbs.issuer = nameOf('C=JP, O=JPKI-TEST, OU=JPKI for user authentication');
      },
    }),
  ],
  [
    'the right key under the name with its parts in another order',
    ({ authentication }) => ({
      change: (tbs) => {
        tbs.issuer = nameOf(authentication.certificate.subject.split(', ').reverse().join(', '));
      },
    }),
  ],
  ['the key identifier of another generation', ({ otherGeneration }) => namedKey(otherGeneration)],
  ['the signature of another generation', ({ otherGeneration }) => ({ signedBy: otherGeneration.key })],
  [
    'a key identifier of nobody',
    ({ keys, ...forge }) => namedKey(intermediate(forge.authentication, keys.p256, forge.nowMs())),
  ],
  ['no authority key identifier', () => without('authorityKeyId')],
  ['an authority that is not valid any more', ({ expired }) => ({ issuer: expired })],
  [
    'signed by itself under the name of the authority',
    ({ authentication, keys }) => ({ issuer: { ...authentication, key: keys.rsa.privateKey } }),
  ],
  [
    'an intermediate authority',
    ({ authentication, keys, nowMs }) => ({ issuer: intermediate(authentication, keys.stranger, nowMs()) }),
  ],
  [
    'an intermediate authority that calls itself by the key identifier of its own issuer',
    ({ authentication, keys, nowMs }) => ({
      issuer: intermediate(authentication, keys.stranger, nowMs()),
      ...namedKey(authentication),
    }),
  ],
  [
    'a card as the authority',
    ({ certificate, keys }) => ({
      issuer: {
        certificate: new x509.X509Certificate(new Uint8Array(certificate({ keys: keys.stranger }))),
        key: keys.stranger.privateKey,
      },
    }),
  ],
  [
    'the certificate of an intermediate authority itself',
    ({ authentication, keys, nowMs }) => ({
      der: Buffer.from(intermediate(authentication, keys.rsa, nowMs()).certificate.rawData),
    }),
  ],
  ['the CA bit', () => more(new x509.BasicConstraintsExtension(true, undefined, true))],
  ['the CA bit and a path length', () => more(new x509.BasicConstraintsExtension(true, 3, true))],
  ['a path length without the CA bit', () => raw('2.5.29.19', '3003020100')],
  [
    'all extensions of an authority',
    () => ({ extensions: (usual) => [...authorityExtensions(usual), usual.authorityKeyId, usual.policy] }),
  ],
  ['name constraints of its own', () => raw('2.5.29.30', '3000')],
  [
    'a name outside what its authority may name',
    ({ constrained }) => ({ issuer: constrained, subject: subject('O=Others') }),
  ],
  [
    'a name that its authority may not name',
    ({ constrained }) => ({ issuer: constrained, subject: subject('O=JPKI-TEST, OU=Closed') }),
  ],
  [
    'a DNS name under an authority that is bound in those',
    ({ constrained }) => ({ issuer: constrained, ...alternative(new GeneralName({ dNSName: 'a.invalid' })) }),
  ],
  [
    'a second directory name under an authority that is bound in those',
    ({ constrained }) => ({ issuer: constrained, ...alternative(directoryName('C=JP, O=Others')) }),
  ],
];

const notInForce: Attempts = [
  ['expired by a second', ({ nowMs }) => ({ notAfter: new Date(Math.floor(nowMs() / 1_000) * 1_000 - 1_000) })],
  ['not valid for another minute', ({ nowMs }) => ({ notBefore: new Date(nowMs() + minuteMs) })],
  [
    'valid backwards',
    ({ nowMs }) => ({ notBefore: new Date(nowMs() + minuteMs), notAfter: new Date(nowMs() - minuteMs) }),
  ],
  ['expired, and of a wrong policy', ({ nowMs }) => ({ notAfter: new Date(nowMs() - minuteMs), ...policies('1.2.3') })],
];

const misfit: Attempts = [
  ['another policy', () => policies('1.2.392.200149.8.5.1.3.31')],
  ['no policy', () => without('policy')],
  ['any policy', () => policies('2.5.29.32.0')],
  ['the policy of signatures', () => policies('1.2.392.200149.8.5.1.1.20', '1.2.392.200149.8.5.1.0.20')],
  ['a policy that begins like the right one', () => policies('1.2.392.200149.8.5.1.3.30.1')],
  [
    'the authority of signatures',
    ({ signature }) => ({
      issuer: signature,
      extensions: (usual) =>
        Object.values({
          ...usual,
          issuingPoint: new x509.CRLDistributionPointsExtension(['http://jpki-test.invalid/crl/signature-1/13101.crl']),
        }),
    }),
  ],
  ['the authority and the policy of signatures', ({ signature }) => ({ issuer: signature, kind: 'signature' })],
  ['no key usage', () => without('keyUsage')],
  ['the usage of signatures', () => usage(KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation)],
  ['the usage of key agreement', () => usage(KeyUsageFlags.keyAgreement)],
  ['the usage of certificate signing', () => usage(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign)],
  ['a purpose of servers only', () => usesOnly('1.3.6.1.5.5.7.3.1')],
  ['the purpose of signing OCSP answers', () => usesOnly('1.3.6.1.5.5.7.3.9')],
  ['a critical extension that nobody knows', () => raw('1.2.392.200149.9.9', '0500')],
  ['critical policy constraints', () => raw('2.5.29.36', '3003800100')],
];

const accepted: Attempts = [
  ['nothing wrong', () => ({})],
  ['the purpose of client authentication', () => usesOnly('1.3.6.1.5.5.7.3.2')],
  [
    'an extension that nobody knows and need not',
    () => more(new x509.Extension('1.2.392.200149.9.9', false, Buffer.from('0500', 'hex'))),
  ],
  ['a name that its authority may name', ({ constrained }) => ({ issuer: constrained })],
];

describe('a certificate is refused for', () => {
  let forge: Forge;
  beforeAll(async () => {
    forge = await openForge();
  });
  afterAll(() => forge.identity.close());

  it.each(untrusted)('%s: it is not from a trusted authority', async (_name, attempt) => {
    expect(await forge.present(attempt(forge))).toEqual([401, 'identity.chain_untrusted']);
  });

  it.each(notInForce)('%s: it is not valid today', async (_name, attempt) => {
    expect(await forge.present(attempt(forge))).toEqual([401, 'identity.certificate_expired']);
  });

  it.each(misfit)('%s: it is not meant for this use', async (_name, attempt) => {
    expect(await forge.present(attempt(forge))).toEqual([401, 'identity.policy_mismatch']);
  });

  // The test issuer never made it, so its link data do not know it: the last thing that is asked.
  it.each(accepted)('%s: only by the link data', async (_name, attempt) => {
    const [status, code] = await forge.present(attempt(forge));
    expect([status, code]).toEqual(
      attempt(forge).issuer ? [503, 'identity.revocation_unavailable'] : [503, 'identity.lineage_unavailable'],
    );
  });
});
