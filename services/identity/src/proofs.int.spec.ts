import { randomBytes } from 'node:crypto';
import { newId } from '@tsunagu/kernel';
import { type Card, freshKeys, revokeCard, workingIssuer } from '@tsunagu/testing';
import { signed, startTestIdentity, type TestIdentity } from './test-identity.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await startTestIdentity();
});
afterAll(() => identity.close());
afterEach(() => {
  identity.issuer.mode.lists = 'fresh';
});

const purpose = 'exchange';
const operation = { linkId: 'b', points: 100 };

async function ask(body: object) {
  const token = await identity.service.token({ role: 'service', subject: 'exchange-settlement' });
  return identity.service.call('POST', '/identity/internal/v1/proofs', { token, body });
}

const question = (personId: string, proof: object, change: object = {}) => ({
  level: 'signed',
  personId,
  purpose,
  operation,
  ...proof,
  ...change,
});

async function signedBy(card: Card, personId: string, change: object = {}) {
  return (await ask(question(personId, await identity.proof(card, purpose, operation), change))).body;
}

const fresh = expect.objectContaining({ ok: false, code: 'identity.fresh_proof_required' });

describe('a signed proof', () => {
  it('stands for one act of its person, whatever the order of the members, and once', async () => {
    const { card, personId } = await identity.citizen();
    const proof = await identity.proof(card, purpose, operation);
    const reordered = { operation: { points: 100, linkId: 'b' } };
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(question(personId, proof, reordered))));
    expect(answers.filter(({ body }) => body.ok)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'identity.challenge_used')).toHaveLength(9);
  });

  it.each([
    ['another purpose', { purpose: 'link' }],
    ['another operation', { operation: { linkId: 'b', points: 101 } }],
    ['an operation with more in it', { operation: { ...operation, extra: null } }],
    ['no signature', { signature: undefined }],
    ['no challenge', { challengeId: undefined }],
  ])('does not stand for %s', async (_name, change) => {
    const { card, personId } = await identity.citizen();
    expect(await signedBy(card, personId, change)).toEqual(fresh);
  });

  it('is not one for a challenge without a purpose, and one with a purpose opens no session', async () => {
    const { card, personId } = await identity.citizen();
    const { body } = await identity.service.call('POST', '/identity/v1/challenges', { body: {} });
    const signature = signed(card.privateKey, Buffer.from(body.nonce, 'base64url'));
    expect((await ask(question(personId, { challengeId: body.challengeId, signature }))).body).toEqual(fresh);
    const bound = await identity.proof(card, purpose, operation);
    const session = await identity.session(card, { change: (request) => ({ ...request, ...bound }) });
    expect([session.status, session.body.code]).toEqual([401, 'identity.challenge_expired']);
    const asked = await identity.proof(card, 'session', {});
    expect((await identity.session(card, { change: (request) => ({ ...request, ...asked }) })).status).toBe(201);
  });

  it('is refused for a card of somebody else, and of somebody who never signed in', async () => {
    const mine = await identity.citizen();
    const other = await identity.citizen(await identity.card({ keys: freshKeys }));
    expect((await signedBy(other.card, mine.personId)).code).toBe('identity.signature_invalid');
    expect(await signedBy(await identity.card(), newId(1))).toEqual(fresh);
  });

  it('uses the challenge up by a wrong signature, and runs out after two minutes', async () => {
    const { card, personId } = await identity.citizen();
    const proof = await identity.proof(card, purpose, operation);
    const wrong = { ...proof, signature: randomBytes(256).toString('base64') };
    expect((await ask(question(personId, wrong))).body.code).toBe('identity.signature_invalid');
    expect((await ask(question(personId, proof))).body.code).toBe('identity.challenge_used');
    const late = await identity.proof(card, purpose, operation);
    identity.service.clock.forward(121_000);
    expect((await ask(question(personId, late))).body.code).toBe('identity.challenge_expired');
    expect((await ask(question(personId, { ...late, challengeId: "' or 1=1" }))).body.code).toBe(
      'identity.challenge_expired',
    );
  });

  it('is good by any card of the person that is good now', async () => {
    const { card, personId } = await identity.citizen();
    const renewed = await identity.renew(card, { keys: freshKeys });
    await identity.session(renewed);
    expect(await signedBy(renewed, personId)).toEqual({ ok: true, certificateRef: expect.any(String) });
    expect((await signedBy(card, personId)).code).toBe('identity.certificate_revoked');
  });

  it('is refused when the card was revoked or has run out since, and waits for an issuer that does not answer', async () => {
    const { card, personId } = await identity.citizen(await identity.card({ residence: '13107' }));
    identity.issuer.mode = { ...workingIssuer, ocsp: 'unreachable' };
    identity.service.clock.forward(25 * 3_600_000);
    expect((await signedBy(card, personId)).code).toBe('identity.revocation_unavailable');
    identity.issuer.mode = { ...workingIssuer };
    revokeCard(identity.store, card, { nowMs: identity.service.clock.now(), reason: 'keyCompromise' });
    expect((await signedBy(card, personId)).code).toBe('identity.certificate_revoked');
    const old = await identity.citizen();
    identity.service.clock.forward(6 * 366 * 86_400_000);
    expect((await signedBy(old.card, old.personId)).code).toBe('identity.certificate_expired');
  });
});

describe('a held proof', () => {
  async function heldBy(card: Card, personId: string) {
    const { challengeId } = await identity.proof(card, purpose, operation);
    const held = { level: 'held', challengeId, certificate: card.certificate };
    return (await ask(question(personId, held))).body;
  }

  it('stands for a card that signed here within 90 days, without a signature', async () => {
    const { card, personId } = await identity.citizen();
    identity.service.clock.forward(89 * 86_400_000);
    expect(await heldBy(card, personId)).toEqual({ ok: true, certificateRef: expect.any(String) });
    identity.service.clock.forward(2 * 86_400_000);
    expect(await heldBy(card, personId)).toEqual(fresh);
    await signedBy(card, personId);
    expect((await heldBy(card, personId)).ok).toBe(true);
  });

  it('does not stand for an unknown card, or for another person', async () => {
    const { card, personId } = await identity.citizen();
    expect(await heldBy(await identity.card(), personId)).toEqual(fresh);
    expect(await heldBy(card, (await identity.citizen()).personId)).toEqual(fresh);
  });
});

it('no raw certificate is kept, and nothing of one outside the vault', async () => {
  const { card } = await identity.citizen();
  const { rows } = await identity.service.pool.query('select * from events');
  const { rows: vault } = await identity.service.pool.query(
    `select kind, encode(sealed, 'escape') from vault_attributes`,
  );
  const seen = JSON.stringify([rows, vault, identity.service.logLines]);
  expect(seen).toContain('certificate:');
  expect(seen).not.toContain(card.certificate.slice(100, 140));
});
