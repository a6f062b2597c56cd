import 'reflect-metadata';
import { generateKeyPairSync, KeyObject, randomBytes, sign, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as x509 from '@peculiar/x509';
import { alternate, type BenchRow, rate } from '@tsunagu/event-store/bench';
import { readCertificate } from '../src/verification/card-certificate.js';
import { checkPresented } from '../src/verification/checks.js';
import { SignatureThreads } from '../src/verification/signature-threads.js';
import { algorithms, forge, partsOf, sequence, tlv } from '../src/verification/test-certificates.js';
import { readTrustedAuthorities } from '../src/verification/trusted-authorities.js';

const CERTIFICATES = 4_000;
/** How often all of them come in a run: it lasts a second, so that the garbage of most of it is collected in it. */
const PASSES = 5;
const IN_FLIGHT = 512;

interface Signed {
  readonly certificates: readonly Buffer[];
  readonly nonce: Buffer;
  readonly signature: Buffer;
}

/** Full verifications of certificates that were never seen, and of known ones, beside the primitives that they are made of. */
export async function verificationRows(): Promise<BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), 'tsunagu-verification-'));
  const issuer = await selfSigned();
  writeFileSync(join(directory, 'authentication-1.pem'), issuer.certificate.toString('pem'));
  const authorities = readTrustedAuthorities(directory);
  rmSync(directory, { recursive: true });
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const nonce = randomBytes(32);
  const signed = {
    certificates: certificatesOf(issuer, keys),
    nonce,
    signature: sign('sha256', nonce, keys.privateKey),
  };
  const signatures = new SignatureThreads(authorities);
  signatures.onModuleInit();
  const threads = rawThreads(issuer.certificate, keys.publicKey, signed);
  const verified = (forgotten: boolean) =>
    rate(PASSES * CERTIFICATES, () => verifyAll(signed, authorities, signatures, forgotten));
  try {
    const [measured, known, limit] = await alternate([
      () => verified(true),
      () => verified(false),
      () => rate(PASSES * CERTIFICATES, () => Promise.all(threads.map(runAll))),
    ]);
    if (!measured || !known || !limit) throw new Error('verifications were not measured');
    const against = `X509Certificate, its chain and an RSA-2048 signature on ${threads.length} threads, keys imported before`;
    const row = (name: string, spread: typeof measured, bar: number, aim: number): BenchRow => {
      return {
        name,
        unit: 'verifications/s',
        measured: spread,
        against,
        limit,
        ratio: spread.median / limit.median,
        bar,
        aim,
      };
    };
    return [
      row('certificates never seen: read, nonce signature, chain, profile, policy', measured, 0.6, 0.8),
      row('the same, known certificates', known, 0, 0),
    ];
  } finally {
    await Promise.all([signatures.onModuleDestroy(), ...threads.map((thread) => thread.terminate())]);
  }
}

async function verifyAll(
  { certificates, nonce, signature }: Signed,
  authorities: ReturnType<typeof readTrustedAuthorities>,
  signatures: SignatureThreads,
  forgotten: boolean,
): Promise<void> {
  const nowMs = Date.now();
  // The issuer is another machine's work.
  const issuer = { revocation: async () => ({ answer: 'good', asOf: '', source: 'ocsp' }) as const };
  const against = { nonce, nowMs, profile: 'test', authorities, signatures, issuer } as const;
  let next = 0;
  const caller = async () => {
    while (next < PASSES * CERTIFICATES) {
      const certificate = readCertificate(certificates[next++ % CERTIFICATES] ?? Buffer.of());
      if (!certificate) throw new Error('the bench made no certificate');
      if (forgotten) signatures.forget(certificate.hash);
      const checked = await checkPresented([{ kind: 'authentication', certificate, signature }], against);
      if (!checked.ok) throw new Error(`refused: ${checked.refusal.code}`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
}

function rawThreads(authority: x509.X509Certificate, key: KeyObject, { certificates, nonce, signature }: Signed) {
  const count = availableParallelism();
  return Array.from({ length: count }, (_, index) => {
    const share = certificates.filter((_der, at) => at % count === index).map((der) => new Uint8Array(der));
    const workerData = {
      authority: new Uint8Array(authority.rawData),
      key: key.export({ format: 'der', type: 'spki' }),
      message: nonce,
      signature,
      certificates: share,
    };
    return new Worker(new URL('./raw-thread.mjs', import.meta.url), { workerData, execArgv: [] });
  });
}

async function runAll(thread: Worker): Promise<void> {
  for (let pass = 0; pass < PASSES; pass += 1) {
    thread.postMessage('run');
    await once(thread, 'message');
  }
}

export async function selfSigned() {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: Buffer.of(1, 0, 1),
  };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { KeyUsageFlags } = x509;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'C=JP, O=JPKI-TEST, OU=Bench',
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, key: KeyObject.from(keys.privateKey) };
}

/** One certificate under many serial numbers, each signed. */
function certificatesOf(
  issuer: Awaited<ReturnType<typeof selfSigned>>,
  keys: { publicKey: KeyObject; privateKey: KeyObject },
): Buffer[] {
  const [tbs = Buffer.of(), algorithm = Buffer.of()] = partsOf(forge({ issuer, keys }, Date.now()));
  const parts = partsOf(tbs);
  return Array.from({ length: CERTIFICATES }, (_, index) => {
    const serial = Buffer.alloc(8, 0x41);
    serial.writeUInt32BE(index, 4);
    const other = sequence(...parts.map((part, at) => (at === 1 ? tlv(0x02, serial) : part)));
    const signature = sign(algorithms.rsaSha256.digest, other, issuer.key);
    return sequence(other, algorithm, tlv(0x03, Buffer.concat([Buffer.of(0), signature])));
  });
}
