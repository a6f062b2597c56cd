import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { KeyUsageFlags } from '@peculiar/x509';
import {
  type Card,
  certificateHash,
  freshKeys,
  type IssuedCard,
  type IssuerStore,
  issueLeaf,
  type LeafRequest,
  revokeCard,
  workingIssuer,
} from '@tsunagu/testing';
import { signed, startTestIdentity, type TestIdentity } from './test-identity.js';

let identity: TestIdentity;
let card: Card;
beforeAll(async () => {
  identity = await startTestIdentity();
  card = await identity.card();
});
afterAll(() => identity.close());
afterEach(() => {
  identity.issuer.mode = { ...workingIssuer };
});

const nowMs = () => identity.service.clock.now();
const yearMs = 366 * 86_400_000;

/** A certificate that deviates from the profile, under the issuer's own key unless another store is given. */
async function oddCard(deviation: Partial<LeafRequest>, store: IssuerStore = identity.store): Promise<Card> {
  const keys = await freshKeys();
  const { der } = await issueLeaf(store.authority('authentication-1'), {
    commonName: 'ABCDEFGHIJKLMN13101001A',
    publicKey: keys.publicKey,
    issuingPoint: '13101',
    notBefore: new Date(nowMs() - 1_000),
    notAfter: new Date(nowMs() + yearMs),
    ...deviation,
  });
  return { certificate: der.toString('base64'), privateKey: keys.privateKey.toString('base64'), subject: '' };
}

function issued(of: Card): IssuedCard {
  const entry = identity.store.card(certificateHash(of.certificate));
  if (!entry) throw new Error('not a card of the test issuer');
  return entry;
}

const codeOf = async (answer: ReturnType<TestIdentity['session']>) => {
  const { status, body } = await answer;
  return [status, body.code];
};

describe('a session is refused', () => {
  it('for a challenge that is unknown, not an id, expired or used', async () => {
    const present = (challengeId: string) =>
      codeOf(identity.session(card, { change: (body) => ({ ...body, challengeId }) }));
    expect(await present('019ab3f0-6c00-7000-8000-000000000001')).toEqual([401, 'identity.challenge_expired']);
    expect(await present("' or 1=1 --")).toEqual([401, 'identity.challenge_expired']);

    const { body } = await identity.service.call('POST', '/identity/v1/challenges', { body: {} });
    const signature = signed(card.privateKey, Buffer.from(body.nonce, 'base64url'));
    const request = { challengeId: body.challengeId, certificate: card.certificate, signature };
    const send = () => codeOf(identity.service.call('POST', '/identity/v1/sessions', { body: request }));
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    expect(answers.filter(([status]) => status === 201)).toHaveLength(1);
    expect(answers.filter(([, code]) => code === 'identity.challenge_used')).toHaveLength(9);
    identity.service.clock.forward(121_000);
    expect(await send()).toEqual([401, 'identity.challenge_expired']);
  });

  it('for a wrong signature, which uses the challenge up', async () => {
    let challengeId = '';
    const wrong = codeOf(
      identity.session(card, {
        change: (body) => {
          challengeId = body.challengeId;
          return { ...body, signature: signed(card.privateKey, randomBytes(32)) };
        },
      }),
    );
    expect(await wrong).toEqual([401, 'identity.signature_invalid']);
    const again = codeOf(identity.session(card, { change: (body) => ({ ...body, challengeId }) }));
    expect(await again).toEqual([401, 'identity.challenge_used']);
  });

  it('for a certificate of another CA with the same name', async () => {
    const other = await startTestIdentity();
    const stranger = await other.card();
    await other.close();
    expect(await codeOf(identity.session(stranger))).toEqual([401, 'identity.chain_untrusted']);
  });

  it('for a certificate that is not valid yet or no more', async () => {
    const past = await oddCard({ notBefore: new Date(nowMs() - yearMs), notAfter: new Date(nowMs() - 1_000) });
    const future = await oddCard({ notBefore: new Date(nowMs() + 600_000) });
    expect(await codeOf(identity.session(past))).toEqual([401, 'identity.certificate_expired']);
    expect(await codeOf(identity.session(future))).toEqual([401, 'identity.certificate_expired']);
  });

  it('for a revoked certificate, before its lineage is asked, and says so from a stale list too', async () => {
    const revoked = await identity.card({ residence: '13104' });
    const person = (await identity.session(revoked)).body.person.personId;
    const renewed = await identity.renew(revoked, { oldStaysValid: true });
    revokeCard(identity.store, revoked, { nowMs: nowMs(), reason: 'certificateHold' });
    identity.issuer.mode.links = 'unavailable';
    expect(await codeOf(identity.session(revoked))).toEqual([401, 'identity.certificate_revoked']);
    identity.issuer.mode.lists = 'stale';
    identity.issuer.mode.ocsp = 'unreachable';
    expect(await codeOf(identity.session(revoked))).toEqual([401, 'identity.certificate_revoked']);
    identity.issuer.mode = { ...workingIssuer };
    expect((await identity.session(renewed)).body.person.personId).toBe(person);
  });

  it.each([
    ['another policy', { policy: '1.2.392.200149.8.5.1.1.10' }],
    ['another key usage', { keyUsages: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign }],
  ])('for %s', async (_name, deviation) => {
    expect(await codeOf(identity.session(await oddCard(deviation)))).toEqual([401, 'identity.policy_mismatch']);
  });

  it('for a signature certificate in the place of the authentication certificate, and the other way round', async () => {
    const swapped: Card = {
      ...card,
      certificate: card.signatureCertificate ?? '',
      privateKey: card.signaturePrivateKey ?? '',
      signatureCertificate: card.certificate,
      signaturePrivateKey: card.privateKey,
    };
    expect(await codeOf(identity.session(swapped))).toEqual([401, 'identity.policy_mismatch']);
    expect(await codeOf(identity.session(card, { attributesOf: swapped }))).toEqual([401, 'identity.policy_mismatch']);
  });

  it('for a borrowed signature certificate, and registers nobody', async () => {
    const [borrower, lender] = [await identity.card(), await identity.card()];
    const before = await identity.service.log.head();
    expect(await codeOf(identity.session(borrower, { attributesOf: lender }))).toEqual([
      401,
      'identity.attributes_of_another',
    ]);
    expect(await identity.service.log.head()).toBe(before);
  });

  it('for a signature certificate that was revoked because the person moved; the card itself still signs in', async () => {
    const moved = await identity.card();
    revokeCard(identity.store, moved, { nowMs: nowMs(), reason: 'affiliationChanged' });
    expect(await codeOf(identity.session(moved, { withAttributes: true }))).toEqual([
      401,
      'identity.certificate_revoked',
    ]);
    expect((await identity.session(moved)).status).toBe(201);
  });

  it('while cards before it belong to two persons', async () => {
    const first = await identity.card();
    const second = await identity.renew(first, { oldStaysValid: true, withoutLink: true });
    await identity.session(first);
    await identity.session(second);
    const third = await identity.renew(second, { oldStaysValid: true });
    // The issuer corrects its books: the second card followed the first after all.
    identity.store.record([{ ...issued(second), predecessor: certificateHash(first.certificate) }]);
    expect(await codeOf(identity.session(third))).toEqual([409, 'identity.under_review']);
  });
});

describe('an outage of the issuer', () => {
  it('is 503 with Retry-After, and never a refusal', async () => {
    const fresh = await identity.card({ residence: '13105' });
    identity.issuer.mode = { ...workingIssuer, ocsp: 'unreachable', lists: 'unreachable' };
    const answer = await identity.session(fresh);
    expect([answer.status, answer.body.code]).toEqual([503, 'identity.revocation_unavailable']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    identity.issuer.mode.lists = 'stale';
    expect(await codeOf(identity.session(fresh))).toEqual([503, 'identity.revocation_unavailable']);
    identity.issuer.mode = { ...workingIssuer, links: 'unavailable' };
    expect(await codeOf(identity.session(fresh))).toEqual([503, 'identity.lineage_unavailable']);
    identity.issuer.mode.links = 'available';
    expect((await identity.session(fresh)).status).toBe(201);
  });

  it('is bridged by the list known before while that is not older than 48 h, which is enough to read', async () => {
    const known = await identity.card({ residence: '13106' });
    identity.issuer.mode.ocsp = 'unreachable';
    expect((await identity.session(known)).status).toBe(201);
    identity.issuer.mode = { ocsp: 'unreachable', lists: 'unreachable', links: 'unavailable' };
    expect((await identity.session(known)).status).toBe(201);
    identity.service.clock.forward(47 * 3_600_000);
    expect((await identity.session(known)).status).toBe(201);
    identity.service.clock.forward(2 * 3_600_000);
    expect(await codeOf(identity.session(known))).toEqual([503, 'identity.revocation_unavailable']);
  });
});

it('a test certificate is refused outside the test profile', async () => {
  const production = await startTestIdentity('production');
  expect(await codeOf(production.session(await production.card()))).toEqual([401, 'identity.test_certificate']);
  await production.close();
});

describe('malformed input is 400', () => {
  it.each([
    ['bytes that are no certificate', { certificate: randomBytes(600).toString('base64') }],
    ['text that is no base64', { certificate: 'not base64 at all' }],
    ['too long a certificate', { certificate: 'A'.repeat(8_196) }],
    ['an unknown field', { extra: 1 }],
    ['another kind of attributes', { attributes: { kind: 'card', certificate: 'AAAA', signature: 'AAAA' } }],
    ['attributes that are no object', { attributes: [] }],
    ['a challenge that is no text', { challengeId: { $ne: '' } }],
  ])('%s', async (_name, change) => {
    const answer = identity.session(card, { change: (body) => ({ ...body, ...change }) as never });
    expect(await codeOf(answer)).toEqual([400, 'request.invalid']);
  });

  it('a certificate with bytes behind its end', async () => {
    const longer = Buffer.concat([Buffer.from(card.certificate, 'base64'), Buffer.from([0])]).toString('base64');
    const answer = identity.session(card, { change: (body) => ({ ...body, certificate: longer }) });
    expect(await codeOf(answer)).toEqual([400, 'request.invalid']);
  });
});
