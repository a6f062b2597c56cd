import { newId } from '@tsunagu/kernel';
import type { TestAnswer } from '@tsunagu/service-host/testing';
import type { Card } from '@tsunagu/testing';
import { erasersOf } from './test-erasure.js';
import { startTestIdentity, type TestIdentity } from './test-identity.js';
import { memberServices } from './test-member-services.js';

describe('by what services and providers know a person', () => {
  let identity: TestIdentity;
  beforeAll(async () => {
    identity = await startTestIdentity();
    for (const service of ['library', 'pool']) await memberServices(identity).register(service);
  });
  afterAll(() => identity.close());

  let serviceIds = 0;
  async function register(card: Card, service: string, serviceId = `A-${serviceIds++}`): Promise<TestAnswer> {
    const { kiosk: token, terminalSessionId } = await identity.tap(card);
    const shown = { service, serviceId, terminalSessionId };
    const body = { ...shown, proof: await identity.proof(card, 'register_membership', shown) };
    const headers = { 'idempotency-key': newId(1) };
    return identity.service.call('POST', '/identity/v1/memberships', { token, body, headers });
  }
  async function lookUp(card: Card, service: string): Promise<TestAnswer> {
    const token = await identity.service.token({ role: 'kiosk', subject: 'book-lender' });
    const { challengeId } = await identity.proof(card, 'lookup_membership', { service });
    const body = { service, challengeId, certificate: card.certificate };
    return identity.service.call('POST', '/identity/v1/memberships/lookup', { token, body });
  }
  async function end(card: Card, token: string, service: string): Promise<void> {
    const proof = await identity.proof(card, 'end_membership', { service });
    const body = { service, proof };
    expect((await identity.service.call('POST', '/identity/v1/memberships/end', { token, body })).status).toBe(204);
  }
  /** As service-link asks. */
  async function atProvider(personId: string, providerId: string): Promise<TestAnswer> {
    const token = await identity.service.token({ role: 'service', subject: 'service-link' });
    const path = `/identity/internal/v1/persons/${personId}/pairwise-ids/${providerId}`;
    return identity.service.call('GET', path, { token });
  }
  /** What two services and two providers are told of a member of both. */
  async function everywhere({ card, personId }: { card: Card; personId: string }): Promise<readonly string[]> {
    const answers = [
      await lookUp(card, 'library'),
      await lookUp(card, 'pool'),
      await atProvider(personId, 'first-pay'),
      await atProvider(personId, 'second-pay'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    return answers.map(({ body }) => body.pairwiseId);
  }
  async function member(): Promise<{ card: Card; personId: string; token: string; told: readonly string[] }> {
    const person = await identity.citizen();
    const registered = [await register(person.card, 'library'), await register(person.card, 'pool')];
    const told = await everywhere(person);
    expect(registered.map(({ body }) => body.pairwiseId)).toEqual(told.slice(0, 2));
    return { ...person, told };
  }

  it('are ids of the sector: many persons, two services, two providers, and none said twice', async () => {
    const members = [];
    for (let count = 0; count < 8; count += 1) members.push(await member());
    const ids = members.flatMap(({ told }) => told);
    expect(new Set(ids).size).toBe(4 * members.length);
    for (const { personId, told } of members) {
      const bytes = Buffer.from(personId.replaceAll('-', ''), 'hex');
      for (const id of told) {
        expect(id).toMatch(/^[\w-]{43}$/);
        expect(Buffer.from(id, 'base64url').includes(bytes.subarray(8))).toBe(false);
      }
    }
    // A provider and a service of one name are two sectors.
    const [one] = members;
    expect((await atProvider(one?.personId ?? '', 'library')).body.pairwiseId).not.toBe(one?.told[0]);
  }, 60_000);

  it('survive a renewed card, another service id, and a membership that was ended and made anew', async () => {
    const me = await member();
    const card = await identity.renew(me.card);
    const { token, personId } = await identity.citizen(card);
    expect(personId).toBe(me.personId);
    expect(await everywhere({ card, personId })).toEqual(me.told);
    await end(card, token, 'library');
    expect((await lookUp(card, 'library')).status).toBe(404);
    expect((await register(card, 'library', 'B-another')).body).toEqual({
      service: 'library',
      state: 'registered',
      pairwiseId: me.told[0],
    });
    const { body } = await lookUp(card, 'library');
    expect(body).toEqual({ service: 'library', serviceId: 'B-another', pairwiseId: me.told[0] });
  });

  it('are the survivor’s after a merge, and each one’s own again after a split', async () => {
    const [kept, merged] = [await member(), await member()];
    const { one, another, merge } = erasersOf(identity);
    const { body } = await merge(kept.personId, merged.personId);
    // The merge ended the card's earlier sign-in; an id asked for by the merged person id is the survivor's all the same.
    expect((await identity.citizen(merged.card)).personId).toBe(kept.personId);
    for (const { card, personId } of [kept, merged]) expect(await everywhere({ card, personId })).toEqual(kept.told);
    const { splitId } = (await one.post('/persons/splits', { mergeId: body.mergeId, reasonPattern: 'merged_in_error' }))
      .body;
    expect((await another.post(`/persons/splits/${splitId}/approve`)).status).toBe(200);
    for (const each of [kept, merged]) expect(await everywhere(each)).toEqual(each.told);
  });

  it('are told to nobody of a person who is erased, merged ids included', async () => {
    const [kept, merged] = [await member(), await member()];
    const erasers = erasersOf(identity);
    await erasers.merge(kept.personId, merged.personId);
    expect((await erasers.erase(kept.personId)).body.state).toBe('done');
    for (const { card, personId } of [kept, merged]) {
      expect((await lookUp(card, 'library')).body.code).toBe('identity.erased');
      expect(await atProvider(personId, 'first-pay')).toMatchObject({ status: 200, body: { pairwiseId: null } });
    }
  });

  it('are asked for by services alone, and there is none of nobody', async () => {
    const { personId } = await identity.citizen();
    for (const role of ['operator', 'partner', 'support', 'kiosk'] as const) {
      const token = await identity.service.token({ role });
      const path = `/identity/internal/v1/persons/${personId}/pairwise-ids/first-pay`;
      const answer = await identity.service.call('GET', path, { token });
      expect(answer).toMatchObject({ status: 403, body: { code: 'auth.role_required' } });
    }
    for (const [person, provider] of [
      [newId(1), 'first-pay'],
      ['not-an-id', 'first-pay'],
      [personId, 'First_Pay'],
    ] as const)
      expect((await atProvider(person, provider)).status).toBe(404);
  });

  it('stand neither in the log nor in a line of it', async () => {
    const { told } = await member();
    const { rows } = await identity.service.pool.query('select * from events');
    const text = JSON.stringify([rows, identity.service.logLines]);
    expect(text).toContain('MembershipRegistered');
    for (const id of told) expect(text.includes(id)).toBe(false);
  });
});
