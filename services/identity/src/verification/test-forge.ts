import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { GeneralName, GeneralSubtree, GeneralSubtrees, Name, NameConstraints } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import { createAuthority } from '@tsunagu/testing';
import { startTestIdentity, type TestIdentity } from '../test-identity.js';
import { algorithms, type Forger, type Forgery, forge, forgerOf, keyIdOf } from './test-certificates.js';

/** identity with everything that a forger could have got hold of. */
export interface Forge {
  readonly identity: TestIdentity;
  readonly authentication: Forger;
  readonly otherGeneration: Forger;
  readonly signature: Forger;
  /** Pinned, of the next card's profile. */
  readonly p384: Forger;
  /** Pinned; permits `C=JP, O=JPKI-TEST` without `OU=Closed`, and no DNS name. */
  readonly constrained: Forger;
  /** Pinned, but not valid any more. */
  readonly expired: Forger;
  readonly keys: KeyPairs;
  /** What a certificate of the next card is made of. */
  readonly nextCard: Pick<Forgery, 'issuer' | 'keys' | 'algorithm'>;
  nowMs(): number;
  /** A certificate under `authentication` that deviates so. */
  certificate(forgery?: Partial<Forgery>): Buffer;
  /** Forges it, or takes the bytes as they are, signs a new challenge and presents both: status and code. */
  present(attempt: Attempt): Promise<readonly [number, string]>;
}

/** What is absent is as it should be. */
export interface Attempt extends Partial<Forgery> {
  readonly der?: Buffer;
  /** How the nonce is signed. */
  readonly signed?: (nonce: Buffer) => Buffer;
}

export type Attempts = readonly (readonly [name: string, attempt: (forge: Forge) => Attempt])[];

type KeyPair = Forgery['keys'];

export interface KeyPairs {
  readonly rsa: KeyPair;
  readonly stranger: KeyPair;
  readonly rsa1024: KeyPair;
  readonly rsa3072: KeyPair;
  readonly exponent3: KeyPair;
  readonly rsaPss: KeyPair;
  readonly p256: KeyPair;
  readonly p384: KeyPair;
  readonly ed25519: KeyPair;
}

const dayMs = 86_400_000;

export async function openForge(): Promise<Forge> {
  const keys = keyPairs();
  const p384 = await createAuthority('authentication', 3, 'p384');
  const constrained = await createAuthority('authentication', 4, 'rsa', [nameConstraints()]);
  const realNowMs = Date.now();
  const oldKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const old = new x509.X509Certificate(
    new Uint8Array(
      forge(
        {
          issuer: { certificate: constrained.certificate, key: oldKeys.privateKey },
          keys: oldKeys,
          subject: constrained.certificate.subject,
          extensions: authorityExtensions,
          notBefore: new Date(realNowMs - 400 * 20 * dayMs),
          notAfter: new Date(realNowMs - 400 * dayMs),
        },
        realNowMs,
      ),
    ),
  );
  const identity = await startTestIdentity('test', {
    pinned: {
      'authentication-3.pem': p384.certificate.toString('pem'),
      'authentication-4.pem': constrained.certificate.toString('pem'),
      'authentication-5.pem': old.toString('pem'),
    },
  });
  const authentication = forgerOf(identity.store.authority('authentication-1'));
  const nowMs = () => identity.service.clock.now();
  return {
    identity,
    authentication,
    otherGeneration: forgerOf(identity.store.authority('authentication-2')),
    signature: forgerOf(identity.store.authority('signature-1')),
    p384: forgerOf(p384),
    constrained: forgerOf(constrained),
    expired: { certificate: old, key: oldKeys.privateKey },
    keys,
    nextCard: { issuer: forgerOf(p384), keys: keys.p384, algorithm: algorithms.ecdsaSha384 },
    nowMs,
    certificate: (forgery) => forge({ issuer: authentication, keys: keys.rsa, ...forgery }, nowMs()),
    async present({ der, signed, ...forgery }) {
      const { service } = identity;
      const made = { issuer: authentication, keys: keys.rsa, ...forgery };
      const certificate = der ?? forge(made, nowMs());
      const challenge = (await service.call('POST', '/identity/v1/challenges', { body: {} })).body;
      const nonce = Buffer.from(challenge.nonce, 'base64url');
      const signature = signed ? signed(nonce) : signedAs(made.keys.privateKey, nonce);
      const body = {
        challengeId: challenge.challengeId,
        certificate: certificate.toString('base64'),
        signature: signature.toString('base64'),
      };
      const answer = await service.call('POST', '/identity/v1/sessions', { body });
      return [answer.status, answer.body.code];
    },
  };
}

/** The signature that fits a key. */
export function signedAs(key: KeyObject, message: Buffer): Buffer {
  if (key.asymmetricKeyType === 'ed25519') return sign(null, message, key);
  return sign(key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'sha384' : 'sha256', message, key);
}

/** What makes a certificate one of an authority. */
export const authorityExtensions: NonNullable<Forgery['extensions']> = ({ subjectKeyId }) => [
  new x509.BasicConstraintsExtension(true, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  subjectKeyId,
];

/** An authority that `issuer` vouches for. */
export function intermediate(issuer: Forger, keys: KeyPair, nowMs: number): Forger {
  const name = 'C=JP, O=JPKI-TEST, OU=Between';
  const der = forge(
    {
      issuer,
      keys,
      subject: name,
      extensions: (usual) => [
        ...authorityExtensions(usual),
        new x509.AuthorityKeyIdentifierExtension(keyIdOf(issuer.certificate)),
      ],
    },
    nowMs,
  );
  return { certificate: new x509.X509Certificate(new Uint8Array(der)), key: keys.privateKey };
}

export function directoryName(name: string): GeneralName {
  return new GeneralName({ directoryName: AsnConvert.parse(new x509.Name(name).toArrayBuffer(), Name) });
}

function nameConstraints(): x509.Extension {
  const subtree = (base: GeneralName) => new GeneralSubtree({ base });
  const constraints = new NameConstraints({
    permittedSubtrees: new GeneralSubtrees([subtree(directoryName('C=JP, O=JPKI-TEST'))]),
    excludedSubtrees: new GeneralSubtrees([
      subtree(directoryName('C=JP, O=JPKI-TEST, OU=Closed')),
      subtree(new GeneralName({ dNSName: 'closed.invalid' })),
    ]),
  });
  return new x509.Extension('2.5.29.30', true, AsnConvert.serialize(constraints));
}

function keyPairs(): KeyPairs {
  const rsa = (modulusLength: number, publicExponent = 0x10001) =>
    generateKeyPairSync('rsa', { modulusLength, publicExponent });
  return {
    rsa: rsa(2048),
    stranger: rsa(2048),
    rsa1024: rsa(1024),
    rsa3072: rsa(3072),
    exponent3: rsa(2048, 3),
    rsaPss: generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
    p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    ed25519: generateKeyPairSync('ed25519'),
  };
}
