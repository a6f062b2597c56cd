import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as x509 from '@peculiar/x509';
import { IssuerStore } from '@tsunagu/testing';
import type { RevocationAnswer } from '../outbound/issuer.js';
import { readCertificate } from './card-certificate.js';
import { type CheckedAgainst, checkPresented, type Presented } from './checks.js';
import { SignatureThreads } from './signature-threads.js';
import type { Forgery } from './test-certificates.js';
import { type Forge, openForge, signedAs } from './test-forge.js';
import { readTrustedAuthorities, type TrustedAuthority } from './trusted-authorities.js';

const nonce = randomBytes(32);
const good: RevocationAnswer = { answer: 'good', source: 'ocsp', asOf: '2026-11-20T00:00:00+09:00' };
const revoked: RevocationAnswer = {
  answer: 'revoked',
  sinceMs: 0,
  asOf: '2026-11-20T00:00:00+09:00',
  reason: 'keyCompromise',
};

describe('of what is presented,', () => {
  let forge: Forge;
  let authorities: readonly TrustedAuthority[];
  let signatures: SignatureThreads;
  beforeAll(async () => {
    forge = await openForge();
    authorities = readTrustedAuthorities(IssuerStore.trustDirectory(forge.identity.store.directory));
    signatures = new SignatureThreads(authorities, { threads: 2 });
  });
  afterAll(async () => {
    await signatures.onModuleDestroy();
    await forge.identity.close();
  });

  function presented(forgery: Partial<Forgery> = {}): Presented & { readonly hash: string } {
    const certificate = readCertificate(forge.certificate(forgery));
    if (!certificate) throw new Error('the forge made no certificate');
    const { privateKey } = forgery.keys ?? forge.keys.rsa;
    return { kind: 'authentication', certificate, signature: signedAs(privateKey, nonce), hash: certificate.hash };
  }

  async function outcome(one: Presented, other: Partial<CheckedAgainst> = {}): Promise<string> {
    const issuer = { revocation: async () => good };
    const against = {
      nonce,
      nowMs: forge.nowMs(),
      profile: 'test',
      authorities,
      signatures,
      issuer,
      ...other,
    } as const;
    const checked = await checkPresented([one], against);
    return checked.ok ? 'accepted' : checked.refusal.code;
  }

  describe('a certificate', () => {
    it('of either profile is accepted, and so are two at once', async () => {
      expect(await outcome(presented())).toBe('accepted');
      expect(await outcome(presented(forge.nextCard))).toBe('accepted');
      const both = [presented(), presented(forge.nextCard)];
      expect(await Promise.all(both.map((each) => outcome(each)))).toEqual(['accepted', 'accepted']);
    });

    it('is valid from the first second to the end of the last', async () => {
      const [fromMs, toMs] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-12-31T14:59:59Z')];
      const one = presented({ notBefore: new Date(fromMs), notAfter: new Date(toMs) });
      const at = (nowMs: number) => outcome(one, { nowMs });
      expect(await Promise.all([fromMs - 1, fromMs, toMs, toMs + 999, toMs + 1_000].map(at))).toEqual([
        'identity.certificate_expired',
        'accepted',
        'accepted',
        'accepted',
        'identity.certificate_expired',
      ]);
    });

    it('is read as @peculiar/x509 reads it', async () => {
      const card = await forge.identity.card({ residence: '13104' });
      for (const text of [card.certificate, card.signatureCertificate ?? '']) {
        const der = Buffer.from(text, 'base64');
        const [ours, theirs] = [readCertificate(der), new x509.X509Certificate(new Uint8Array(der))];
        expect(ours).toMatchObject({
          serial: theirs.serialNumber,
          commonName: theirs.subjectName.getField('CN')[0],
          validFromMs: theirs.notBefore.getTime(),
          validToMs: theirs.notAfter.getTime(),
          authorityKeyId: theirs.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId,
          subjectKeyId: theirs.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId,
          policies: theirs.getExtension(x509.CertificatePolicyExtension)?.policies,
          keyUsages: theirs.getExtension(x509.KeyUsagesExtension)?.usages,
          issuingPoint: theirs.getExtension(x509.CRLDistributionPointsExtension)?.distributionPoints[0]
            ?.distributionPoint?.fullName?.[0]?.uniformResourceIdentifier,
          fault: null,
          isTest: true,
        });
        expect(ours?.publicKeyDer).toEqual(Buffer.from(theirs.publicKey.rawData));
      }
    });
  });

  describe('a chain that held', () => {
    it('is remembered by the hash of the certificate, its validity and revocation are not', async () => {
      const one = presented();
      expect(signatures.knows(one.hash)).toBe(false);
      expect(await outcome(one)).toBe('accepted');
      expect(signatures.knows(one.hash)).toBe(true);
      expect(await outcome(one)).toBe('accepted');
      expect(await outcome(one, { nowMs: forge.nowMs() + 2 * 86_400_000 })).toBe('identity.certificate_expired');
      expect(await outcome(one, { nonce: randomBytes(32) })).toBe('identity.signature_invalid');
      expect(await outcome(one, { authorities: [] })).toBe('identity.chain_untrusted');
      expect(await outcome(one, { issuer: { revocation: async () => revoked } })).toBe('identity.certificate_revoked');
      expect(signatures.knows(one.hash)).toBe(false);
    });

    it('is not remembered where it did not', async () => {
      const one = presented({ signedBy: forge.keys.stranger.privateKey });
      expect(await outcome(one)).toBe('identity.chain_untrusted');
      expect(await outcome(one)).toBe('identity.chain_untrusted');
      expect(signatures.knows(one.hash)).toBe(false);
    });
  });

  describe('the threads', () => {
    const workers: Worker[] = [];
    const one = (checksMax: number) =>
      new SignatureThreads(authorities, {
        threads: 1,
        checksMax,
        openWorker: (workerData) => {
          const worker = new Worker(new URL('../../bin/signature-thread.mjs', import.meta.url), {
            workerData,
            execArgv: [],
          });
          workers.push(worker);
          return worker;
        },
      });

    it('refuse what is more than their queue holds, and take up again when there is room', async () => {
      const few = one(40);
      const many = Array.from({ length: 100 }, () => presented());
      const outcomes = await Promise.all(many.map((each) => outcome(each, { signatures: few })));
      expect(outcomes.filter((each) => each === 'accepted')).toHaveLength(40);
      expect(outcomes.filter((each) => each === 'identity.busy')).toHaveLength(60);
      expect(await outcome(presented(), { signatures: few })).toBe('accepted');
      await few.onModuleDestroy();
      expect(await outcome(presented(), { signatures: few })).toBe('identity.busy');
    });

    it('are opened again when they break; what they were asked is refused as busy, never accepted', async () => {
      workers.length = 0;
      const fragile = one(100);
      const asked = Promise.all(Array.from({ length: 40 }, () => outcome(presented(), { signatures: fragile })));
      const [worker] = workers;
      if (!worker) throw new Error('no thread was opened');
      const exit = once(worker, 'exit');
      await worker.terminate();
      await exit;
      expect(new Set(await asked)).toEqual(new Set(['identity.busy']));
      expect(await outcome(presented(), { signatures: fragile })).toBe('accepted');
      expect(workers).toHaveLength(2);
      await fragile.onModuleDestroy();
    });

    it('say when to come again', async () => {
      const none = one(0);
      const issuer = { revocation: async () => good };
      const against = { nonce, nowMs: forge.nowMs(), profile: 'test', authorities, signatures: none, issuer } as const;
      expect(await checkPresented([presented()], against)).toMatchObject({
        refusal: { code: 'identity.busy', retryAfterSeconds: 2 },
      });
    });
  });
});
