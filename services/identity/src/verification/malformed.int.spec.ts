import 'reflect-metadata';
import { createPrivateKey, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { IssuerStore } from '@tsunagu/testing';
import { type CardCertificate, readCertificate } from './card-certificate.js';
import { checkPresented } from './checks.js';
import { SignatureThreads } from './signature-threads.js';
import { type Forge, openForge, signedAs } from './test-forge.js';
import { Dice, mutated } from './test-mutations.js';
import { readTrustedAuthorities, type TrustedAuthority } from './trusted-authorities.js';

/** About 0.3 ms each on two cores. Other seeds, and more of them, by hand: FUZZ_SEED, FUZZ_CERTIFICATES. */
const inputs = Number(process.env.FUZZ_CERTIFICATES ?? 100_000);
const inputsByHttp = 500;
const seed = Number(process.env.FUZZ_SEED ?? 20_261_129);
const inFlight = 250;

describe(`malformed certificates, seed ${seed},`, () => {
  let forge: Forge;
  let bases: readonly {
    readonly der: Buffer;
    readonly key: KeyObject;
    readonly kind: 'authentication' | 'signature';
  }[];
  let authorities: readonly TrustedAuthority[];
  let signatures: SignatureThreads;
  beforeAll(async () => {
    forge = await openForge();
    authorities = readTrustedAuthorities(IssuerStore.trustDirectory(forge.identity.store.directory));
    signatures = new SignatureThreads(authorities);
    const card = await forge.identity.card();
    const { keys } = forge;
    bases = [
      { der: forge.certificate(), key: keys.rsa.privateKey, kind: 'authentication' },
      { der: forge.certificate(forge.nextCard), key: keys.p384.privateKey, kind: 'authentication' },
      {
        der: Buffer.from(card.signatureCertificate ?? '', 'base64'),
        key: createPrivateKey({
          key: Buffer.from(card.signaturePrivateKey ?? '', 'base64'),
          format: 'der',
          type: 'pkcs8',
        }),
        kind: 'signature',
      },
    ];
  });
  afterAll(async () => {
    await signatures.onModuleDestroy();
    await forge.identity.close();
  });

  it(`${inputs} of them: none accepted, none an exception, and what can be read is read as OpenSSL reads it`, async () => {
    const dice = new Dice(seed);
    const nonce = randomBytes(32);
    const nowMs = forge.nowMs();
    const issuer = { revocation: async () => ({ answer: 'good', asOf: '', source: 'ocsp' }) as const };
    const against = { nonce, nowMs, profile: 'test', authorities, signatures, issuer } as const;
    const proofs = bases.map(({ key }) => signedAs(key, nonce));
    const outcomes = new Map<string, number>();
    const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);

    const attempt = async () => {
      const index = dice.roll(bases.length);
      const base = bases[index];
      if (!base) throw new Error('no such certificate');
      const der = mutated(
        dice,
        base.der,
        bases.map((each) => each.der),
      );
      const certificate = readCertificate(der);
      if (!certificate) return count('no certificate');
      const unlike = differenceFromOpenSsl(certificate);
      if (unlike) throw new Error(`${unlike}: ${der.toString('base64')}`);
      const presented = { kind: base.kind, certificate, signature: proofs[index] ?? nonce };
      const checked = await checkPresented([presented], against);
      if (checked.ok) throw new Error(`accepted: ${der.toString('base64')}`);
      return count(checked.refusal.code);
    };
    for (let done = 0; done < inputs; done += inFlight) {
      await Promise.all(Array.from({ length: Math.min(inFlight, inputs - done) }, attempt));
    }
    expect([...outcomes.keys()].sort()).toEqual([
      'identity.chain_untrusted',
      'identity.signature_invalid',
      'no certificate',
    ]);
    expect([...outcomes.values()].reduce((sum, one) => sum + one)).toBe(inputs);
    // Enough of each that none of the two halves of the work goes untried.
    for (const [, times] of outcomes) expect(times).toBeGreaterThan(inputs / 100);
  }, 600_000);

  it(`${inputsByHttp} of them at POST sessions: 400 or 401`, async () => {
    const dice = new Dice(seed + 1);
    const answers = new Set<string>();
    for (let done = 0; done < inputsByHttp; done += 1) {
      const base = bases[dice.roll(bases.length)];
      if (!base) throw new Error('no such certificate');
      const der = mutated(
        dice,
        base.der,
        bases.map((each) => each.der),
      );
      const signed = (nonce: Buffer) => signedAs(base.key, nonce);
      const [status, code] = await forge.present({ der, signed });
      answers.add(`${status} ${code}`);
    }
    expect([...answers].sort()).toEqual([
      '400 request.invalid',
      '401 identity.chain_untrusted',
      '401 identity.signature_invalid',
    ]);
  }, 300_000);
});

/** What OpenSSL makes of the same bytes, where it reads them at all and they break no rule. */
function differenceFromOpenSsl(certificate: CardCertificate): string | undefined {
  if (certificate.fault) return undefined;
  let other: X509Certificate;
  try {
    other = new X509Certificate(certificate.der);
  } catch {
    return undefined;
  }
  if (other.serialNumber.toLowerCase().replace(/^0+/, '') !== certificate.serial) return 'another serial number';
  if (other.validFromDate.getTime() !== certificate.validFromMs) return 'another beginning';
  if (other.validToDate.getTime() !== certificate.validToMs) return 'another end';
  if (other.ca !== certificate.isAuthority) return 'another CA bit';
  return undefined;
}
