import 'reflect-metadata';
import { constants, createPrivateKey, hash, type KeyObject, privateEncrypt, randomBytes, sign } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type Card, revokeCard } from '@tsunagu/testing';
import { signed } from '../test-identity.js';
import { algorithms, type Forgery, tlv, turned } from './test-certificates.js';
import { type Forge, openForge, signedAs } from './test-forge.js';

type Signed = (nonce: Buffer, key: KeyObject, forge: Forge) => Buffer;

const over =
  (message: (nonce: Buffer) => Buffer | string): Signed =>
  (nonce, key) =>
    signedAs(key, Buffer.from(message(nonce)));
/** An RSA signature as a number, changed. */
const asNumber =
  (change: (signature: bigint, modulus: bigint) => bigint): Signed =>
  (nonce, key) => {
    const modulus = BigInt(`0x${Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url').toString('hex')}`);
    const number = change(BigInt(`0x${signedAs(key, nonce).toString('hex')}`), modulus);
    return Buffer.from(number.toString(16).padStart(512, '0'), 'hex');
  };

const byRsa: readonly (readonly [name: string, signed: Signed])[] = [
  ['another nonce', over(() => randomBytes(32))],
  ['the nonce as text, base64url', over((nonce) => nonce.toString('base64url'))],
  ['the nonce as text, base64', over((nonce) => nonce.toString('base64'))],
  ['the nonce as text, hex', over((nonce) => nonce.toString('hex'))],
  ['the hash of the nonce', over((nonce) => hash('sha256', nonce, 'buffer'))],
  ['nothing', over(() => '')],
  ['31 octets of the nonce', over((nonce) => nonce.subarray(0, 31))],
  ['33 octets that begin with the nonce', over((nonce) => Buffer.concat([nonce, Buffer.of(0)]))],
  ['the nonce with a bit turned', over((nonce) => turned(nonce, 31, 1))],
  ['the nonce by another key', (nonce, _key, { keys }) => signedAs(keys.stranger.privateKey, nonce)],
  ['the nonce by the key of the authority', (nonce, _key, { authentication }) => signedAs(authentication.key, nonce)],
  ['the nonce with SHA-1', (nonce, key) => sign('sha1', nonce, key)],
  ['the nonce with SHA-384', (nonce, key) => sign('sha384', nonce, key)],
  ['the nonce with SHA-512', (nonce, key) => sign('sha512', nonce, key)],
  [
    'the nonce in the padding of PSS',
    (nonce, key) => sign('sha256', nonce, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
  ],
  ['the nonce itself, padded, without a digest', (nonce, key) => privateEncrypt(key, nonce)],
  ['its digest, padded, without its name', (nonce, key) => privateEncrypt(key, hash('sha256', nonce, 'buffer'))],
  ['nothing, and is zero', () => Buffer.alloc(256)],
  ['nothing, and is one', () => Buffer.concat([Buffer.alloc(255), Buffer.of(1)])],
  ['nothing, and has all bits', () => Buffer.alloc(256, 0xff)],
  ['the nonce, and is cut', (nonce, key) => signedAs(key, nonce).subarray(1)],
  ['the nonce, and has a zero before it', (nonce, key) => Buffer.concat([Buffer.of(0), signedAs(key, nonce)])],
  ['the nonce, and has a zero behind it', (nonce, key) => Buffer.concat([signedAs(key, nonce), Buffer.of(0)])],
  ['the nonce, with the modulus added', asNumber((signature, modulus) => (signature + modulus) % (1n << 2048n))],
  ['the nonce, turned to its negative', asNumber((signature, modulus) => modulus - signature)],
  ['the nonce, in an OCTET STRING', (nonce, key) => tlv(0x04, signedAs(key, nonce))],
];

const integer = (hex: string) => tlv(0x02, Buffer.from(hex, 'hex'));
const byP384: readonly (readonly [name: string, signed: Signed])[] = [
  ['the nonce as r and s, not in DER', (nonce, key) => sign('sha384', nonce, { key, dsaEncoding: 'ieee-p1363' })],
  ['the nonce with SHA-256', (nonce, key) => sign('sha256', nonce, key)],
  ['nothing, r and s zero', () => tlv(0x30, Buffer.concat([integer('00'), integer('00')]))],
  ['nothing, r and s one', () => tlv(0x30, Buffer.concat([integer('01'), integer('01')]))],
  ['the nonce, with an octet behind it', (nonce, key) => Buffer.concat([signedAs(key, nonce), Buffer.of(0)])],
  [
    'the nonce, in a length of BER',
    (nonce, key) => Buffer.concat([Buffer.of(0x30, 0x81), signedAs(key, nonce).subarray(1)]),
  ],
  ['another nonce', over(() => randomBytes(32))],
];

describe('a signature is refused that is over', () => {
  let forge: Forge;
  beforeAll(async () => {
    forge = await openForge();
  });
  afterAll(() => forge.identity.close());

  it.each(byRsa)('%s (RSA)', async (_name, make) => {
    const { privateKey } = forge.keys.rsa;
    expect(await forge.present({ signed: (nonce) => make(nonce, privateKey, forge) })).toEqual([
      401,
      'identity.signature_invalid',
    ]);
  });

  it.each(byP384)('%s (P-384)', async (_name, make) => {
    const { privateKey } = forge.nextCard.keys;
    expect(await forge.present({ ...forge.nextCard, signed: (nonce) => make(nonce, privateKey, forge) })).toEqual([
      401,
      'identity.signature_invalid',
    ]);
  });

  it('nothing at all, or is too long to be one: that is no request', async () => {
    expect(await forge.present({ signed: () => Buffer.alloc(0) })).toEqual([400, 'request.invalid']);
    expect(await forge.present({ signed: () => Buffer.alloc(1024, 1) })).toEqual([400, 'request.invalid']);
  });

  it('the right nonce with an expired certificate of a stranger: the signature counts first, then the chain', async () => {
    const { keys, nowMs } = forge;
    const expired = { signedBy: keys.stranger.privateKey, notAfter: new Date(nowMs() - 60_000) };
    expect(await forge.present({ ...expired, signed: () => randomBytes(256) })).toEqual([
      401,
      'identity.signature_invalid',
    ]);
    expect(await forge.present(expired)).toEqual([401, 'identity.chain_untrusted']);
  });
});

describe('a challenge is refused that', () => {
  let forge: Forge;
  beforeAll(async () => {
    forge = await openForge();
  });
  afterAll(() => forge.identity.close());

  const challenge = async () =>
    (await forge.identity.service.call('POST', '/identity/v1/challenges', { body: {} })).body as {
      challengeId: string;
      nonce: string;
    };
  const send = async (card: Card, challengeId: string, nonce: string) => {
    const signature = signed(card.privateKey, Buffer.from(nonce, 'base64url'));
    const body = { challengeId, certificate: card.certificate, signature };
    const answer = await forge.identity.service.call('POST', '/identity/v1/sessions', { body });
    return [answer.status, answer.body.code];
  };

  it('was used, by the same card or by another', async () => {
    const [card, other] = [await forge.identity.card(), await forge.identity.card()];
    const { challengeId, nonce } = await challenge();
    expect(await send(card, challengeId, nonce)).toEqual([201, undefined]);
    expect(await send(card, challengeId, nonce)).toEqual([401, 'identity.challenge_used']);
    expect(await send(other, challengeId, nonce)).toEqual([401, 'identity.challenge_used']);
  });

  it("is another one's: a recorded signature is worth nothing", async () => {
    const card = await forge.identity.card();
    const [recorded, fresh] = [await challenge(), await challenge()];
    expect(await send(card, fresh.challengeId, recorded.nonce)).toEqual([401, 'identity.signature_invalid']);
    expect(await send(card, fresh.challengeId, fresh.nonce)).toEqual([401, 'identity.challenge_used']);
  });

  it('is unknown, or has run out', async () => {
    const card = await forge.identity.card();
    const { challengeId, nonce } = await challenge();
    const unknown = `${challengeId.slice(0, -4)}0000`;
    expect(await send(card, unknown, nonce)).toEqual([401, 'identity.challenge_expired']);
    forge.identity.service.clock.forward(120_000);
    expect(await send(card, challengeId, nonce)).toEqual([401, 'identity.challenge_expired']);
  });

  it('is still there after a request that was none', async () => {
    const card = await forge.identity.card();
    const { challengeId, nonce } = await challenge();
    const broken = { ...card, certificate: card.certificate.slice(4) };
    expect(await send(broken, challengeId, nonce)).toEqual([400, 'request.invalid']);
    expect(await send(card, challengeId, nonce)).toEqual([201, undefined]);
  });
});

type OfCard = (forge: Forge, card: Card) => Promise<{ certificate: Buffer; key: KeyObject; message?: Buffer }>;
const keyOf = (text: string | undefined) =>
  createPrivateKey({ key: Buffer.from(text ?? '', 'base64'), format: 'der', type: 'pkcs8' });
const own = (card: Card) => ({
  certificate: Buffer.from(card.signatureCertificate ?? '', 'base64'),
  key: keyOf(card.signaturePrivateKey),
});
const forged =
  (deviation: (forge: Forge) => Partial<Forgery>): OfCard =>
  async (forge) => {
    const forgery = { issuer: forge.signature, kind: 'signature' as const, keys: forge.keys.rsa, ...deviation(forge) };
    return { certificate: forge.certificate(forgery), key: forgery.keys.privateKey };
  };

const attributes: readonly (readonly [name: string, code: string, make: OfCard])[] = [
  ['of another person', 'identity.attributes_of_another', async ({ identity }) => own(await identity.card())],
  ['of a certificate that link data do not know', 'identity.attributes_of_another', forged(() => ({}))],
  [
    'of the next card of the same person',
    'identity.attributes_of_another',
    async ({ identity }, card) => own(await identity.renew(card, { oldStaysValid: true })),
  ],
  [
    'of the authentication certificate itself',
    'identity.policy_mismatch',
    async (_forge, card) => ({ certificate: Buffer.from(card.certificate, 'base64'), key: keyOf(card.privateKey) }),
  ],
  [
    'under the authority of authentication, with the policy of signatures',
    'identity.policy_mismatch',
    forged(({ authentication }) => ({ issuer: authentication, ...issuingPointOf('authentication-1') })),
  ],
  ['with the policy of authentication', 'identity.policy_mismatch', forged(() => policy('1.2.392.200149.8.5.1.3.30'))],
  ['expired', 'identity.certificate_expired', forged(({ nowMs }) => ({ notAfter: new Date(nowMs() - 2_000) }))],
  ['not valid yet', 'identity.certificate_expired', forged(({ nowMs }) => ({ notBefore: new Date(nowMs() + 60_000) }))],
  [
    'revoked, for the person moved',
    'identity.certificate_revoked',
    async ({ identity, nowMs }, card) => {
      revokeCard(identity.store, card, { nowMs: nowMs(), reason: 'affiliationChanged' });
      return own(card);
    },
  ],
  [
    'signed by nobody known',
    'identity.chain_untrusted',
    forged(({ keys }) => ({ signedBy: keys.stranger.privateKey })),
  ],
  ['with SHA-1', 'identity.chain_untrusted', forged(() => ({ algorithm: algorithms.rsaSha1 }))],
  ['of a key of 1024 bits', 'identity.signature_invalid', forged(({ keys }) => ({ keys: keys.rsa1024 }))],
  [
    'signed by the key of authentication',
    'identity.signature_invalid',
    async (_forge, card) => ({ ...own(card), key: keyOf(card.privateKey) }),
  ],
  [
    'over another nonce',
    'identity.signature_invalid',
    async (_forge, card) => ({ ...own(card), message: randomBytes(32) }),
  ],
  [
    'that are no certificate',
    'request.invalid',
    async (_forge, card) => ({ ...own(card), certificate: Buffer.of(0x30, 0) }),
  ],
];

describe('attributes are refused', () => {
  let forge: Forge;
  beforeAll(async () => {
    forge = await openForge();
  });
  afterAll(() => forge.identity.close());

  it.each(attributes)('%s, and nobody is registered', async (_name, code, make) => {
    const { service, card: newCard } = forge.identity;
    const card = await newCard();
    const { certificate, key, message } = await make(forge, card);
    const before = await service.log.head();
    const challenge = (await service.call('POST', '/identity/v1/challenges', { body: {} })).body;
    const nonce = Buffer.from(challenge.nonce, 'base64url');
    const body = {
      challengeId: challenge.challengeId,
      certificate: card.certificate,
      signature: signed(card.privateKey, nonce),
      attributes: {
        certificate: certificate.toString('base64'),
        signature: signedAs(key, message ?? nonce).toString('base64'),
      },
    };
    const answer = await service.call('POST', '/identity/v1/sessions', { body });
    expect([answer.status, answer.body.code]).toEqual([code === 'request.invalid' ? 400 : 401, code]);
    expect(await service.log.head()).toBe(before);
  });
});

function issuingPointOf(authority: string): Pick<Forgery, 'extensions'> {
  const uri = `http://jpki-test.invalid/crl/${authority}/13101.crl`;
  return {
    extensions: (usual) => Object.values({ ...usual, issuingPoint: new x509.CRLDistributionPointsExtension([uri]) }),
  };
}

function policy(value: string): Pick<Forgery, 'extensions'> {
  return {
    extensions: (usual) => Object.values({ ...usual, policy: new x509.CertificatePolicyExtension([value], true) }),
  };
}
