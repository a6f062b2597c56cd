import { verifyProjection } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import { type Card, certificateHash } from '@tsunagu/testing';
import pg from 'pg';
import { definition } from './index.js';
import { erasuresProjection } from './projections/erasures.js';
import { dumpOf, erasersOf } from './test-erasure.js';
import { startTestIdentity, type TestIdentity } from './test-identity.js';
import { openReviews } from './test-lineage.js';

let identity: TestIdentity;
let staff: ReturnType<typeof erasersOf>;
beforeAll(async () => {
  identity = await startTestIdentity();
  staff = erasersOf(identity);
  const token = await identity.service.token({ role: 'operator' });
  await identity.service.call('PUT', '/identity/v1/member-services/library', { token, body: { name: 'Library' } });
});
afterAll(() => identity.close());

const post = (path: string, token: string, body: object) =>
  identity.service.call('POST', `/identity/v1${path}`, { token, body, headers: { 'idempotency-key': newId(1) } });

async function person(card?: Card) {
  const own = card ?? (await identity.card());
  const { body } = await identity.session(own, { withAttributes: true });
  const { personId, myKeyId } = body.person as { personId: string; myKeyId: string };
  return { card: own, personId, myKeyId, token: body.accessToken as string };
}

async function register(card: Card, serviceId: string) {
  const { kiosk, terminalSessionId } = await identity.tap(card);
  const operation = { service: 'library', serviceId, terminalSessionId };
  const proof = await identity.proof(card, 'register_membership', operation);
  return post('/memberships', kiosk, { ...operation, proof });
}

const codeOf = async (card: Card) => {
  const { status, body } = await identity.session(card, { withAttributes: true });
  return [status, body.code];
};

/** What every service learns within moments, this one too. */
async function endedTokens(): Promise<readonly string[]> {
  const token = await identity.service.token({ role: 'service', subject: 'campaign', ttlSeconds: 86_400 });
  const path = '/identity/internal/v1/ended-sessions?after=0&wait=0';
  return (await identity.service.call('GET', path, { token })).body.tokenIds;
}

function tokenIdOf(accessToken: string): string {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()).jti;
}

describe('an erasure', () => {
  it('needs a second person, ends the sessions, destroys the keys of all ids and proves it', async () => {
    const [kept, merged] = [await person(), await person()];
    await staff.merge(kept.personId, merged.personId);
    // By the id that was merged: it means the whole person.
    const proposed = await staff.propose(merged.personId);
    const { erasureId } = proposed.body;
    const personIds = [kept.personId, merged.personId];
    expect([proposed.status, proposed.body]).toEqual([
      201,
      {
        erasureId,
        state: 'proposed',
        personIds,
        reasonPattern: 'person_asked',
        evidence: 'case-1',
        proposedBy: 'staff:desk-1',
        keys: [],
      },
    ]);
    const alone = await staff.one.post(`/erasures/${erasureId}/approve`);
    expect([alone.status, alone.body.code]).toEqual([403, 'identity.second_person_required']);
    expect((await identity.session(kept.card)).status).toBe(201);

    const approved = await staff.another.post(`/erasures/${erasureId}/approve`);
    expect([approved.status, approved.body.state]).toEqual([200, 'done']);
    const { body: proof } = await staff.one.get(`/erasures/${erasureId}`);
    expect(proof).toEqual(approved.body);
    expect(proof).toMatchObject({ proposedBy: 'staff:desk-1', approvedBy: 'staff:desk-2' });
    expect(proof.keys).toEqual(
      personIds.map((personId) => ({
        personId,
        log: 0,
        position: expect.any(Number),
        keyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        destroyedAt: expect.any(String),
      })),
    );
    const { events } = await identity.service.log.readLog({ after: 0, limit: 10_000, types: ['PersonErased'] });
    for (const { keyHash, personId, position } of proof.keys) {
      const event = events.find((each) => each.position === position);
      expect(event?.data).toEqual({ personId, erasureId, keyHash });
    }
    for (const { token } of [kept, merged]) expect(await endedTokens()).toContain(tokenIdOf(token));
    for (const { card } of [kept, merged]) expect(await codeOf(card)).toEqual([409, 'identity.erased']);
    const again = await staff.another.post(`/erasures/${erasureId}/approve`);
    expect([again.status, again.body]).toEqual([200, proof]);
  });

  it('leaves nothing that can be read, and none of the sealed bytes', async () => {
    const name = '消去　花子';
    const me = await person(await identity.card({ name, birthDate: '1977-03-05' }));
    expect((await register(me.card, 'L-4711-erased')).status).toBe(201);
    await post('/my-key-ids/provisional', me.token, { myKeyId: 'ZZ9ERASED12345' });
    await staff.one.get(`/persons/${me.personId}?reason=case-2`);
    const { rows: keys } = await identity.service.pool.query<{ hex: string }>(
      `select encode(wrapped, 'hex') as hex from vault_keys where person_id = $1`,
      [me.personId],
    );
    const { rows: kinds } = await identity.service.pool.query<{ kind: string; hex: string }>(
      `select split_part(kind, ':', 1) as kind, encode(sealed, 'hex') as hex from vault_attributes where person_id = $1`,
      [me.personId],
    );
    expect([...new Set(kinds.map(({ kind }) => kind))].sort()).toEqual([
      'attributes',
      'certificate',
      'myKeyId',
      'myKeyIdText',
      'serviceId',
    ]);
    const sealed = [...keys, ...kinds].map(({ hex }) => hex);
    const before = await dumpOf(identity);
    for (const hex of sealed) expect(before).toContain(hex);

    expect((await staff.erase(me.personId)).body.state).toBe('done');
    const after = await dumpOf(identity);
    for (const hex of sealed) expect(after).not.toContain(hex);
    const der = Buffer.from(me.card.certificate, 'base64').toString('hex');
    const clear = [
      name,
      name.replace('　', ''),
      '1977-03-05',
      '19770305',
      me.myKeyId,
      'L-4711-erased',
      'ZZ9ERASED12345',
    ];
    for (const text of [...clear, certificateHash(me.card.certificate), der.slice(300, 400)]) {
      expect(after).not.toContain(text);
    }
    // What counts as granted stays, without a word about whom.
    expect(after).toContain(me.personId);
  });

  it('refuses the card ever after, the ones that follow it too, and keeps nothing of what they bring along', async () => {
    const me = await person();
    expect((await register(me.card, 'L-1')).status).toBe(201);
    const { kiosk, terminalSessionId } = await identity.tap(me.card);
    await staff.erase(me.personId);
    const next = await identity.renew(me.card);
    identity.service.clock.forward(1_000);
    expect(await codeOf(next)).toEqual([409, 'identity.erased']);
    expect((await identity.tap(next)).answer.body.code).toBe('identity.erased');
    const operation = { service: 'library', serviceId: 'L-2', terminalSessionId };
    const proof = await identity.proof(me.card, 'register_membership', operation);
    expect((await post('/memberships', kiosk, { ...operation, proof })).body.code).toBe('identity.erased');
    const { challengeId } = await identity.proof(next, 'lookup_membership', { service: 'library' });
    const lookup = { service: 'library', challengeId, certificate: next.certificate };
    expect((await post('/memberships/lookup', kiosk, lookup)).body.code).toBe('identity.erased');
    // A token that another process has not heard about yet.
    const late = await identity.service.token({ role: 'citizen', subject: me.personId });
    const wish = { myKeyId: 'ZZ9ERASED00001' };
    expect((await post('/my-key-ids/provisional', late, wish)).body.code).toBe('identity.erased');
    const { rows } = await identity.service.pool.query('select kind from vault_attributes where person_id = $1', [
      me.personId,
    ]);
    expect(rows).toEqual([]);
    // Nobody else takes the MyKey ID of the card either.
    const same = await identity.citizen(await identity.card({ commonName: me.myKeyId }));
    expect(same.myKeyId).toBeNull();
  });

  it('is proposed of somebody whose data are there, and counts for just those two people read', async () => {
    const [me, other] = [await person(), await person()];
    expect((await staff.propose(newId(1))).status).toBe(404);
    expect((await staff.another.post(`/erasures/${newId(1)}/approve`)).status).toBe(404);
    expect((await staff.one.get(`/erasures/${newId(1)}`)).status).toBe(404);
    const approve = (erasureId: string) => staff.another.post(`/erasures/${erasureId}/approve`);
    const alone = (await staff.propose(me.personId)).body;
    const ofOther = (await staff.propose(other.personId)).body;
    await staff.merge(me.personId, other.personId);
    for (const { erasureId } of [alone, ofOther]) {
      const { status, body } = await approve(erasureId);
      expect([status, body.code]).toEqual([409, 'identity.erasure_outdated']);
    }
    const both = (await staff.propose(me.personId)).body;
    const twice = (await staff.propose(me.personId)).body;
    expect((await approve(both.erasureId)).status).toBe(200);
    expect((await approve(twice.erasureId)).body.code).toBe('identity.erased');
    expect((await staff.propose(other.personId)).body.code).toBe('identity.erased');
    const third = await staff.one.post(`/erasures/${both.erasureId}/approve`);
    expect(third.body.code).toBe('identity.erased');
  });

  it('happens once, however many approve at the same moment while the person signs in', async () => {
    const me = await person();
    const { erasureId } = (await staff.propose(me.personId)).body;
    const approvals = Array.from({ length: 4 }, () => staff.another.post(`/erasures/${erasureId}/approve`));
    const taps = Array.from({ length: 6 }, () => codeOf(me.card));
    expect((await Promise.all(approvals)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    for (const code of await Promise.all(taps)) expect([undefined, 'identity.erased']).toContain(code[1]);
    const { events } = await identity.service.log.readLog({ after: 0, limit: 10_000 });
    const of = events.filter(({ data }) => (data as { erasureId?: string }).erasureId === erasureId);
    expect(of.map(({ type }) => type).sort()).toEqual([
      'ErasureApproved',
      'ErasureCompleted',
      'ErasureProposed',
      'PersonErased',
    ]);
    const { rows } = await identity.service.pool.query('select kind from vault_attributes where person_id = $1', [
      me.personId,
    ]);
    expect(rows).toEqual([]);
    expect(await endedTokens()).toContain(tokenIdOf(me.token));
  });

  it('leaves no answer about the person but unknown', async () => {
    const me = await person();
    await staff.erase(me.personId);
    const { body } = await identity.service.call('POST', '/identity/internal/v1/eligibility', {
      token: await identity.service.token({ role: 'service', subject: 'campaign', ttlSeconds: 86_400 }),
      body: { personId: me.personId, rules: { minimumAge: 1 }, at: '2026-11-20T01:00:00.000Z' },
    });
    expect(body.answers).toEqual([{ rule: 'age', answer: 'unknown', factReadAt: null }]);
    const shown = await staff.one.get(`/persons/${me.personId}?reason=case-3`);
    expect(shown.body).toMatchObject({ personId: me.personId, erasureId: expect.any(String) });
  });
});

describe('somebody who was erased and comes again', () => {
  async function unlinked() {
    const old = await identity.card();
    const before = await person(old);
    await staff.erase(before.personId);
    const card = await identity.renew(old, { withoutLink: true, oldStaysValid: true });
    const after = await person(card);
    const reviewId = String((await openReviews(identity))[0]?.reviewId);
    return { old, card, before: before.personId, after: after.personId, reviewId };
  }

  it('is found by the digest, and goes on as the person who can sign in, whichever id staff name', async () => {
    const { old, card, before, after, reviewId } = await unlinked();
    const { body } = await staff.one.get(`/reviews/${reviewId}?reason=case-4`);
    expect(body).toMatchObject({ kind: 'same_digest', personIds: [before, after] });
    const proposed = await staff.one.decide(reviewId, { outcome: 'same_person', keptPersonId: before });
    expect((await staff.another.approve(reviewId, proposed)).status).toBe(200);
    // The grants of the old id count for the new one, so nothing is granted twice; the old card opens it too.
    for (const each of [card, old]) expect((await identity.citizen(each)).personId).toBe(after);
    const shown = await staff.one.get(`/persons/${before}?reason=case-5`);
    expect(shown.body).toMatchObject({ personId: after, personIds: [after, before] });
    // And may be erased again: the id that was erased before keeps its own proof.
    const { body: proof } = await staff.erase(after);
    expect(proof.keys.map(({ personId }: { personId: string }) => personId)).toEqual([after, before]);
    expect(await codeOf(card)).toEqual([409, 'identity.erased']);
  });

  it('is merged by staff into the living one only; two who are both erased may be one', async () => {
    const [gone, living] = [await person(), await person()];
    await staff.erase(gone.personId);
    expect((await staff.merge(gone.personId, living.personId)).body.code).toBe('identity.erased');
    const { body: merge } = await staff.merge(living.personId, gone.personId);
    expect((await identity.citizen(gone.card)).personId).toBe(living.personId);
    const split = { mergeId: merge.mergeId, reasonPattern: 'merged_in_error' };
    const { splitId } = (await staff.one.post('/persons/splits', split)).body;
    expect((await staff.another.post(`/persons/splits/${splitId}/approve`)).status).toBe(200);
    expect(await codeOf(gone.card)).toEqual([409, 'identity.erased']);
    await staff.erase(living.personId);
    expect((await staff.merge(gone.personId, living.personId)).status).toBe(200);
  });
});

describe('the list of erasures', () => {
  it('comes newest first in pages, by state, without the persons', async () => {
    const { personId } = await person();
    const { erasureId } = (await staff.propose(personId)).body;
    const all = (await staff.one.get('/erasures?limit=200')).body;
    expect(all.upToDate).toBe(true);
    expect(all.erasures[0]).toEqual({ erasureId, state: 'proposed', proposedAt: expect.any(String) });
    const first = (await staff.one.get('/erasures?limit=2')).body;
    const second = (await staff.one.get(`/erasures?limit=2&cursor=${first.nextCursor}`)).body;
    expect([...first.erasures, ...second.erasures]).toEqual(all.erasures.slice(0, 4));
    const done = (await staff.one.get('/erasures?state=done&limit=200')).body.erasures;
    expect(done).toEqual(all.erasures.filter(({ state }: { state: string }) => state === 'done'));
    const { token } = await identity.citizen();
    for (const path of ['/erasures', `/erasures/${erasureId}`]) {
      expect((await identity.service.call('GET', `/identity/v1${path}`, { token })).status).toBe(403);
    }
    expect((await post('/erasures', token, { personId, reasonPattern: 'person_asked' })).status).toBe(403);
  });

  it('equals a fresh fold of the log', async () => {
    await identity.service.waitForProjections();
    const ownerPool = new pg.Pool({ connectionString: identity.service.ownerUrl, max: 2 });
    try {
      const projection = erasuresProjection;
      const of = { ownerPool, schema: definition.schema, logs: [identity.service.log], projection };
      expect((await verifyProjection(of)).equal).toBe(true);
      await identity.service.pool.query(`update erasures set state = 'approved'`);
      expect((await verifyProjection(of)).equal).toBe(false);
    } finally {
      await ownerPool.end();
    }
  });
});
