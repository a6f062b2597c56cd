import { newId } from '@tsunagu/kernel';
import type { Card } from '@tsunagu/testing';
import { erasersOf } from './test-erasure.js';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await startTestIdentity();
  const token = await identity.service.token({ role: 'operator' });
  for (const service of ['library', 'pool', 'bicycles']) {
    const answer = await put(`/member-services/${service}`, token, { name: service });
    expect(answer).toMatchObject({ status: 200, body: { service, feed: null } });
  }
});
afterAll(() => identity.close());

const put = (path: string, token: string, body: object) =>
  identity.service.call('PUT', `/identity/v1${path}`, { token, body });

let cards = 0;
const freshId = () => `A-α1-${1_000 + cards++}`;

async function register(card: Card, service: string, serviceId: string, key = newId(1)) {
  const { kiosk: token, terminalSessionId } = await identity.tap(card);
  const proof = await identity.proof(card, 'register_membership', { service, serviceId, terminalSessionId });
  const body = { service, serviceId, terminalSessionId, proof };
  return identity.service.call('POST', '/identity/v1/memberships', {
    token,
    body,
    headers: { 'idempotency-key': key },
  });
}

/** At an unattended machine: the card is held, its PIN not asked for. */
async function lookup(card: Card, service: string, ownerId = 'demo', asked = service) {
  const token = await identity.service.token({ role: 'kiosk', subject: 'book-lender', ownerId });
  const { challengeId } = await identity.proof(card, 'lookup_membership', { service: asked });
  const body = { service, challengeId, certificate: card.certificate };
  return identity.service.call('POST', '/identity/v1/memberships/lookup', { token, body });
}

async function end(card: Card, token: string, service: string) {
  const proof = await identity.proof(card, 'end_membership', { service });
  return identity.service.call('POST', '/identity/v1/memberships/end', { token, body: { service, proof } });
}

describe('a membership', () => {
  it('is registered at a counter with the card, and looked up by the card alone', async () => {
    const { card, token } = await identity.citizen();
    const serviceId = freshId();
    expect((await lookup(card, 'library')).status).toBe(404);
    expect(await register(card, 'library', serviceId)).toMatchObject({
      status: 201,
      body: { service: 'library', state: 'registered' },
    });
    expect(await lookup(card, 'library')).toMatchObject({ status: 200, body: { service: 'library', serviceId } });
    expect((await register(card, 'library', serviceId)).body.code).toBe('identity.already_registered');
    expect((await register(card, 'library', freshId())).body.code).toBe('identity.already_registered');
    const { body } = await identity.service.call('GET', '/identity/v1/memberships', { token });
    expect(body.memberships).toEqual([{ service: 'library', serviceId, registeredAt: expect.any(String) }]);
    expect(identity.service.logLines).toContainEqual(
      expect.objectContaining({ msg: 'membership looked at', actor: 'staff:book-lender', service: 'library' }),
    );
    const looks = await identity.service.call('GET', '/identity/v1/looks', { token });
    expect(looks.body.looks).toEqual([
      expect.objectContaining({
        role: 'kiosk',
        reason: 'membership lookup library',
        fields: ['serviceId', 'pairwiseId'],
      }),
    ]);
  });

  it('needs a proof for just this id', async () => {
    const { card } = await identity.citizen();
    const { kiosk, terminalSessionId } = await identity.tap(card);
    const attempt = async (proof?: object) => {
      const body = { service: 'library', serviceId: 'typed', terminalSessionId, ...(proof && { proof }) };
      const headers = { 'idempotency-key': newId(1) };
      return (await identity.service.call('POST', '/identity/v1/memberships', { token: kiosk, body, headers })).body;
    };
    expect((await attempt()).code).toBe('identity.fresh_proof_required');
    const shown = { service: 'library', serviceId: 'shown', terminalSessionId };
    const proof = await identity.proof(card, 'register_membership', shown);
    expect((await attempt(proof)).code).toBe('identity.fresh_proof_required');
  });

  it('shows a service its own id only, and its owner’s terminals only', async () => {
    const { card } = await identity.citizen();
    await register(card, 'library', freshId());
    expect((await lookup(card, 'pool')).status).toBe(404);
    expect((await lookup(card, 'library', 'another-town')).status).toBe(404);
    expect((await lookup(card, 'library', 'demo', 'pool')).body.code).toBe('identity.fresh_proof_required');
    expect((await lookup(await identity.card(), 'library')).body.code).toBe('identity.fresh_proof_required');
    const other = await identity.service.token({ role: 'operator', ownerId: 'another-town' });
    expect((await put('/member-services/library', other, { name: 'mine' })).status).toBe(404);
  });

  it('of one id by ten persons at the same moment: one has it', async () => {
    const people = await Promise.all(Array.from({ length: 10 }, () => identity.citizen()));
    const serviceId = freshId();
    const answers = await Promise.all(people.map(({ card }) => register(card, 'pool', serviceId)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'identity.service_id_taken')).toHaveLength(9);
  });

  it('ends by the person with the card, and both may begin again', async () => {
    const [me, other] = [await identity.citizen(), await identity.citizen()];
    const serviceId = freshId();
    await register(me.card, 'pool', serviceId);
    const bare = { token: me.token, body: { service: 'pool' } };
    expect((await identity.service.call('POST', '/identity/v1/memberships/end', bare)).body.code).toBe(
      'identity.fresh_proof_required',
    );
    expect((await end(me.card, me.token, 'pool')).status).toBe(204);
    expect((await end(me.card, me.token, 'pool')).status).toBe(204);
    expect((await lookup(me.card, 'pool')).status).toBe(404);
    expect((await register(other.card, 'pool', serviceId)).status).toBe(201);
    expect((await register(me.card, 'pool', freshId())).status).toBe(201);
  });

  it('of an id that was merged is the kept person’s, and each one’s own again after a split', async () => {
    const [kept, merged] = [await identity.citizen(), await identity.citizen()];
    const [atLibrary, atPool, ownAtPool] = [freshId(), freshId(), freshId()];
    await register(merged.card, 'library', atLibrary);
    await register(merged.card, 'pool', atPool);
    await register(kept.card, 'pool', ownAtPool);
    const { one, another, merge } = erasersOf(identity);
    const { mergeId } = (await merge(kept.personId, merged.personId)).body;
    // The merge ended the card's earlier sign-in.
    await identity.citizen(merged.card);
    for (const { card } of [kept, merged]) {
      expect((await lookup(card, 'library')).body.serviceId).toBe(atLibrary);
      expect((await lookup(card, 'pool')).body.serviceId).toBe(ownAtPool);
    }
    expect((await register(kept.card, 'library', freshId())).body.code).toBe('identity.already_registered');
    const { body } = await identity.service.call('GET', '/identity/v1/memberships', { token: kept.token });
    const listed = body.memberships.map((each: { serviceId: string }) => each.serviceId);
    expect(listed.sort()).toEqual([atLibrary, atPool, ownAtPool].sort());
    // Both at the pool are theirs to end, one after the other.
    await end(kept.card, kept.token, 'pool');
    expect((await lookup(merged.card, 'pool')).body.serviceId).toBe(atPool);
    await end(kept.card, kept.token, 'pool');
    expect((await lookup(merged.card, 'pool')).status).toBe(404);
    expect((await register((await identity.citizen()).card, 'pool', atPool)).status).toBe(201);

    const split = await one.post('/persons/splits', { mergeId, reasonPattern: 'merged_in_error' });
    expect((await another.post(`/persons/splits/${split.body.splitId}/approve`)).status).toBe(200);
    expect((await lookup(merged.card, 'library')).body.serviceId).toBe(atLibrary);
    expect((await lookup(kept.card, 'library')).status).toBe(404);
  });
});

describe('the feed of a service with a table of its own', () => {
  const feed = async (cursor?: number, ownerId = 'demo') => {
    const token = await identity.service.token({ role: 'partner', ownerId });
    const query = `service=bicycles${cursor === undefined ? '' : `&cursor=${cursor}`}`;
    return identity.service.call('GET', `/identity/v1/membership-feed?${query}`, { token });
  };

  it('is off until a legal basis is recorded, then tells ends from then on and nothing else', async () => {
    const operator = await identity.service.token({ role: 'operator' });
    const before = await identity.citizen();
    await register(before.card, 'bicycles', freshId());
    await end(before.card, before.token, 'bicycles');
    expect((await feed()).body.code).toBe('identity.feed_off');
    identity.service.clock.forward(1_000);
    expect((await put('/member-services/bicycles/feed', operator, {})).status).toBe(400);
    const legalBasis = '自転車駐車場条例 第5条';
    const enabled = await put('/member-services/bicycles/feed', operator, { legalBasis });
    expect(enabled.body.feed).toEqual({ legalBasis, since: expect.any(String) });
    const empty = (await feed()).body;
    expect(empty).toEqual({ entries: [], nextCursor: 0, jws: expect.any(String) });

    const ids = [freshId(), freshId()];
    for (const serviceId of ids) {
      const { card, token } = await identity.citizen();
      await register(card, 'bicycles', serviceId);
      await end(card, token, 'bicycles');
    }
    const { entries, nextCursor } = (await feed(empty.nextCursor)).body;
    expect(entries).toEqual(ids.map((serviceId) => ({ serviceId, invalidFrom: expect.any(String) })));
    expect((await feed(nextCursor)).body).toEqual({ entries: [], nextCursor, jws: expect.any(String) });
    expect((await feed(0, 'another-town')).status).toBe(404);
    await put('/member-services/bicycles/feed', operator, { legalBasis: null });
    expect((await feed()).body.code).toBe('identity.feed_off');
  });
});

it('no service id stands in the log or outside the vault', async () => {
  const { rows } = await identity.service.pool.query('select * from events');
  const tables = await Promise.all(
    ['memberships', 'idempotency', 'challenges'].map((table) => identity.service.pool.query(`select * from ${table}`)),
  );
  const seen = JSON.stringify([rows, tables.map((table) => table.rows), identity.service.logLines]);
  expect(seen).toContain('MembershipEnded');
  expect(seen).not.toContain('A-α1-');
});
