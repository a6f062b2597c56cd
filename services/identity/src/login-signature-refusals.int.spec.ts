import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IssuerStore, newCard, revokeCard } from '@tsunagu/testing';
import { startTestNationalLogin, type TestNationalLogin } from './test-national-login.js';

type Card = Awaited<ReturnType<TestNationalLogin['identity']['card']>>;

let at: TestNationalLogin;
beforeAll(async () => {
  at = await startTestNationalLogin();
});
afterAll(() => at.close());
afterEach(() => {
  at.login.mode = { outage: 'none', idToken: 'good' };
  at.login.signing.mode = 'good';
});

const codeOf = async (answer: ReturnType<TestNationalLogin['signIn']>) => {
  const { status, body } = await answer;
  return [status, body.code];
};
const eventCount = async () => (await at.identity.service.log.readLog({ after: 0, limit: 1_000_000 })).events.length;
const signingCard = ({ signatureCertificate = '', signaturePrivateKey = '' }: Card) => ({
  certificate: signatureCertificate,
  privateKey: signaturePrivateKey,
});
const accountWith = (card: Card) => at.login.account({}, signingCard(card));
const sign = (account: string) => at.signIn(account, undefined, { sign: true });
/** A login on the way back, in which a new card signed. */
const returning = async () => {
  const card = await at.identity.card();
  const { body } = await at.begin(undefined, { sign: true });
  const returned = await at.login.authorize(body.authorizationUrl, accountWith(card));
  return { card, loginId: body.loginId as string, returned };
};

describe('a login in which a card signs is refused', () => {
  it('where the signature is over other bytes, or there is none', async () => {
    const account = accountWith(await at.identity.card());
    const before = await eventCount();
    at.login.signing.mode = 'other_bytes';
    expect(await codeOf(sign(account))).toEqual([401, 'identity.signature_invalid']);
    at.login.signing.mode = 'nothing';
    expect(await codeOf(sign(account))).toEqual([401, 'identity.login_invalid']);
    at.login.signing.mode = 'good';
    expect(await codeOf(sign(at.login.account()))).toEqual([401, 'identity.login_invalid']);
    expect(await eventCount()).toBe(before);
    expect(await codeOf(sign(account))).toEqual([201, undefined]);
  });

  it('where the card signed in another login', async () => {
    const account = accountWith(await at.identity.card());
    const [mine, theirs] = [await at.begin(undefined, { sign: true }), await at.begin(undefined, { sign: true })];
    const url = new URL(mine.body.authorizationUrl);
    const signedThere = new URL(theirs.body.authorizationUrl).searchParams.get('sign_transaction_id') ?? '';
    url.searchParams.set('sign_transaction_id', signedThere);
    const returned = await at.login.authorize(url.href, account);
    expect(await codeOf(at.complete(mine.body.loginId, returned))).toEqual([401, 'identity.login_invalid']);
    // The other one was signed, and by somebody who does not complete it.
    const stranger = await at.login.authorize(theirs.body.authorizationUrl, at.login.account());
    expect(await codeOf(at.complete(theirs.body.loginId, stranger))).toEqual([401, 'identity.login_invalid']);
  });

  it('where the certificate is none for signatures, is revoked, has run out or comes from elsewhere', async () => {
    const card = await at.identity.card();
    const { certificate, privateKey } = card;
    const before = await eventCount();
    const wrongKind = at.login.account({}, { certificate, privateKey });
    expect(await codeOf(sign(wrongKind))).toEqual([401, 'identity.policy_mismatch']);
    const broken = at.login.account({}, { ...signingCard(card), certificate: 'AAAA' });
    expect(await codeOf(sign(broken))).toEqual([401, 'identity.signature_invalid']);
    const nowMs = at.identity.service.clock.now();
    const revoked = await at.identity.card();
    revokeCard(at.identity.store, revoked, { nowMs, reason: 'affiliationChanged' });
    expect(await codeOf(sign(accountWith(revoked)))).toEqual([401, 'identity.certificate_revoked']);
    const directory = mkdtempSync(join(tmpdir(), 'tsunagu-strangers-'));
    try {
      const stranger = await newCard(await IssuerStore.open(directory), { nowMs });
      expect(await codeOf(sign(accountWith(stranger)))).toEqual([401, 'identity.chain_untrusted']);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    at.identity.service.clock.forward(6 * 366 * 86_400_000);
    try {
      const answer = await sign(accountWith(card));
      expect([answer.status, answer.body.code]).toEqual([401, 'identity.certificate_expired']);
      expect(answer.body.detail).toBe('This concerns the certificate that signed in the login.');
    } finally {
      at.identity.service.clock.forward(-6 * 366 * 86_400_000);
    }
    expect(await eventCount()).toBe(before);
  });

  it('where the platform does not use the signing function, which it says', async () => {
    const plain = await startTestNationalLogin({ signs: false });
    try {
      const offer = await plain.identity.service.call('GET', '/identity/v1/national-login');
      expect(offer.body).toEqual({ name: 'Test login', signs: false });
      expect(await codeOf(plain.begin(undefined, { sign: true }))).toEqual([404, 'identity.login_signing_off']);
      expect((await plain.begin(undefined, { sign: false })).status).toBe(201);
    } finally {
      await plain.close();
    }
  });
});

describe('while something is down', () => {
  it('no login in which a card signs begins without the signing function, and others do', async () => {
    at.login.mode.outage = 'sign-transactions';
    expect(await codeOf(at.begin(undefined, { sign: true }))).toEqual([503, 'identity.login_unavailable']);
    expect((await at.begin()).status).toBe(201);
  });

  it.each<[string, () => void, string]>([
    ['the signing function', () => (at.login.mode.outage = 'sign-transactions'), 'identity.login_unavailable'],
    ['link data', () => (at.identity.issuer.mode.links = 'unavailable'), 'identity.lineage_unavailable'],
    [
      'revocation',
      () => Object.assign(at.identity.issuer.mode, { ocsp: 'unreachable', lists: 'unreachable' }),
      'identity.revocation_unavailable',
    ],
  ])(
    '(%s) a completion is answered 503, nothing is recorded, and the same one goes through afterwards',
    async (_, fail, code) => {
      const { card, loginId, returned } = await returning();
      const before = await eventCount();
      fail();
      try {
        for (let time = 0; time < 2; time += 1) {
          const { status, body, headers } = await at.complete(loginId, returned);
          expect([status, body.code]).toEqual([503, code]);
          expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
        }
      } finally {
        at.login.mode.outage = 'none';
        Object.assign(at.identity.issuer.mode, { links: 'available', ocsp: 'fresh', lists: 'fresh' });
      }
      expect(await eventCount()).toBe(before);
      const done = await at.complete(loginId, returned);
      expect(done.status).toBe(201);
      expect(await codeOf(at.complete(loginId, returned))).toEqual([401, 'identity.login_used']);
      expect((await at.identity.session(card)).body.person.personId).toBe(done.body.person.personId);
    },
  );
});
