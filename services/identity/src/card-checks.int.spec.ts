import { holdCard, issuePhone, keyPool, revokeCard, workingIssuer } from '@tsunagu/testing';
import { erasersOf } from './test-erasure.js';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

describe('what became of the cards of a person', () => {
  let identity: TestIdentity;
  let campaign: string;
  beforeAll(async () => {
    identity = await startTestIdentity();
    campaign = await identity.service.token({ role: 'service', subject: 'campaign' });
  });
  afterAll(() => identity.close());

  const nowMs = () => identity.service.clock.now();
  const ask = (path: string, body: object) =>
    identity.service.call('POST', `/identity/internal/v1/${path}`, { token: campaign, body });
  const check = (...personIds: string[]) => ask('card-checks', { personIds });
  async function standing(personId: string) {
    const at = new Date(nowMs()).toISOString();
    const { body } = await ask('eligibilities', { personIds: [personId], rules: {}, at });
    return body.standings[0];
  }
  const revocation = async (personId: string) => (await standing(personId)).revocation;
  async function events(personId: string) {
    const stream = `person-${personId}`;
    return (await identity.service.log.readStreams([stream])).get(stream) ?? [];
  }
  const types = async (personId: string) => (await events(personId)).map(({ type }) => type);
  /** How many of the person's sessions are open; the specs of sessions show that the services hear of an end. */
  const open = async (token: string) =>
    (await identity.service.call('GET', '/identity/v1/sessions', { token })).body.sessions.length;
  const unheard = { change: 0, revoked: false };
  const revoked = { change: 1, revoked: true };

  it('is found when somebody asks, recorded once, and told of without the reason', async () => {
    const { card, personId } = await identity.citizen();
    expect((await check(personId)).status).toBe(200);
    expect(await revocation(personId)).toEqual(unheard);
    revokeCard(identity.store, card, { nowMs: nowMs(), reason: 'keyCompromise' });
    expect(await revocation(personId)).toEqual(unheard);
    await Promise.all([check(personId), check(personId, personId), check(personId)]);
    expect(await revocation(personId)).toEqual(revoked);
    const found = (await events(personId)).slice(-2);
    expect(found.map(({ type, data }) => [type, data])).toEqual([
      ['CertificateRevoked', expect.objectContaining({ reason: 'keyCompromise', revokedAt: expect.any(String) })],
      ['IdentityRevoked', { personId, change: 1 }],
    ]);
    expect((await types(personId)).filter((type) => type === 'CertificateRevoked')).toHaveLength(1);
  });

  it('is found when the card is presented, and ends with the next card that signs in', async () => {
    const { card, personId } = await identity.citizen();
    revokeCard(identity.store, card, { nowMs: nowMs(), reason: 'cessationOfOperation' });
    expect((await identity.session(card)).body.code).toBe('identity.certificate_revoked');
    expect(await revocation(personId)).toEqual(revoked);
    const next = await identity.renew(card);
    const { status, body } = await identity.session(next);
    expect([status, body.person.personId]).toEqual([201, personId]);
    expect(await revocation(personId)).toEqual({ change: 2, revoked: false });
    expect((await types(personId)).at(-1)).toBe('IdentityRestored');
    await check(personId);
    expect(await revocation(personId)).toEqual({ change: 2, revoked: false });
    revokeCard(identity.store, next, { nowMs: nowMs(), reason: 'keyCompromise' });
    await check(personId);
    expect(await revocation(personId)).toEqual({ change: 3, revoked: true });
  });

  it('ends the sessions of somebody whose key may be in other hands, also where a phone or a login still proves them', async () => {
    const me = await identity.citizen();
    const phone = await issuePhone(identity.store, me.card, { keys: keyPool(1), nowMs: nowMs() });
    const { body: byPhone } = await identity.session(phone);
    const onHold = await identity.citizen();
    holdCard(identity.store, onHold.card, { keys: keyPool(1), nowMs: nowMs() });
    revokeCard(identity.store, me.card, { nowMs: nowMs(), reason: 'keyCompromise' });
    expect([await open(me.token), await open(onHold.token)]).toEqual([2, 1]);
    await check(me.personId, onHold.personId);
    expect([await open(byPhone.accessToken), await open(onHold.token)]).toEqual([0, 1]);
    // Nothing ends twice: what signs in afterwards stays.
    const { body: again } = await identity.session(phone);
    await check(me.personId);
    expect((await identity.session(me.card)).body.code).toBe('identity.certificate_revoked');
    expect(await open(again.accessToken)).toBe(1);
  });

  it('ends them too when the card is used for a proof', async () => {
    const { card, token, personId } = await identity.citizen();
    const act = { purpose: 'end_membership', operation: { service: 'library' } };
    const proof = await identity.proof(card, act.purpose, act.operation);
    revokeCard(identity.store, card, { nowMs: nowMs(), reason: 'keyCompromise' });
    const body = { service: 'library', proof };
    const refused = await identity.service.call('POST', '/identity/v1/memberships/end', { token, body });
    expect(refused.body.code).toBe('identity.certificate_revoked');
    expect(await revocation(personId)).toEqual(revoked);
    expect(await open(token)).toBe(0);
  });

  it('revokes nobody whose phone is good, who waits for a new card, or whose card is on hold', async () => {
    const [withPhone, superseded, held] = [
      await identity.citizen(),
      await identity.citizen(),
      await identity.citizen(),
    ];
    const phone = await issuePhone(identity.store, withPhone.card, { keys: keyPool(1), nowMs: nowMs() });
    expect((await identity.session(phone)).body.person.personId).toBe(withPhone.personId);
    revokeCard(identity.store, withPhone.card, { nowMs: nowMs(), reason: 'keyCompromise' });
    await identity.renew(superseded.card);
    holdCard(identity.store, held.card, { keys: keyPool(1), nowMs: nowMs() });
    await check(withPhone.personId, superseded.personId, held.personId);
    for (const { personId } of [withPhone, superseded, held]) expect(await revocation(personId)).toEqual(unheard);
    expect((await types(held.personId)).at(-1)).toBe('CertificateRevoked');
  });

  it('revokes nobody while the issuer cannot be heard', async () => {
    const { card, personId } = await identity.citizen();
    revokeCard(identity.store, card, { nowMs: nowMs(), reason: 'keyCompromise' });
    identity.issuer.mode = { ...workingIssuer, ocsp: 'unreachable', lists: 'unreachable' };
    expect((await check(personId)).status).toBe(200);
    expect(await revocation(personId)).toEqual(unheard);
    identity.issuer.mode = workingIssuer;
    await check(personId);
    expect(await revocation(personId)).toEqual(revoked);
  });

  it('looks at the cards of all ids that mean the person', async () => {
    const [kept, merged] = [await identity.citizen(), await identity.citizen()];
    await erasersOf(identity).merge(kept.personId, merged.personId);
    revokeCard(identity.store, kept.card, { nowMs: nowMs() });
    await check(kept.personId);
    expect(await revocation(kept.personId)).toEqual(unheard);
    revokeCard(identity.store, merged.card, { nowMs: nowMs() });
    await check(merged.personId);
    expect(await revocation(kept.personId)).toEqual(revoked);
  });

  it('is told of nobody who was erased; the answer says that they were', async () => {
    const { card, personId } = await identity.citizen();
    expect((await standing(personId)).erased).toBe(false);
    await erasersOf(identity).erase(personId);
    revokeCard(identity.store, card, { nowMs: nowMs() });
    await check(personId);
    expect(await standing(personId)).toMatchObject({ erased: true, revocation: unheard });
  });

  it('is asked by services only, of so many at once', async () => {
    const { personId } = await identity.citizen();
    expect((await check('019ab3f0-6c00-7000-8000-00000000dead')).status).toBe(200);
    expect((await ask('card-checks', { personIds: ['x'] })).status).toBe(400);
    expect((await check(...Array<string>(51).fill(personId))).status).toBe(400);
    const citizen = await identity.service.token({ role: 'citizen', subject: personId });
    const path = '/identity/internal/v1/card-checks';
    const refused = await identity.service.call('POST', path, { token: citizen, body: { personIds: [personId] } });
    expect(refused.status).toBe(403);
  });
});
