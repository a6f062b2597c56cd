import { verifyProjection } from '@tsunagu/event-store';
import pg from 'pg';
import { definition } from './index.js';
import { startTestIdentity, type TestIdentity } from './test-identity.js';
import { type Desk, deskOf, openReviews } from './test-lineage.js';

let identity: TestIdentity;
let one: Desk;
let another: Desk;
let service: string;
beforeAll(async () => {
  identity = await startTestIdentity();
  one = deskOf(identity.service, 'desk-1');
  another = deskOf(identity.service, 'desk-2');
  service = await identity.service.token({ role: 'service', subject: 'campaign', ttlSeconds: 86_400 });
});
afterAll(() => identity.close());

type Card = Awaited<ReturnType<TestIdentity['card']>>;

async function tap(card: Card, withAttributes = true): Promise<{ personId: string; accessToken: string }> {
  const { status, body } = await identity.session(card, { withAttributes });
  expect([status, body.code]).toEqual([201, undefined]);
  return { personId: body.person.personId, accessToken: body.accessToken };
}

const ask = async (personId: string) =>
  (
    await identity.service.call('POST', '/identity/internal/v1/eligibility', {
      token: service,
      body: { personId, rules: {}, at: new Date(identity.service.clock.now()).toISOString() },
    })
  ).body;

const isHeld = async (personId: string): Promise<boolean> => (await ask(personId)).underReview;

/** The 506 people of the incident: the source answers, and does not know that the new card follows the old one. */
async function unlinked() {
  const old = await identity.card();
  const before = await tap(old);
  const card = await identity.renew(old, { withoutLink: true, oldStaysValid: true });
  const after = await tap(card);
  expect(after.personId).not.toBe(before.personId);
  const reviewId = String((await openReviews(identity))[0]?.reviewId);
  return { old, card, before: before.personId, after: after.personId, accessToken: after.accessToken, reviewId };
}

const published = async (personId: string) =>
  (await identity.service.published())
    .filter(({ data }) => (data as { personId: string }).personId === personId)
    .map(({ type }) => type);

describe('a person whose name, birth date and sex are those of another one', () => {
  it('signs in, and grants wait for a review; those of the person known before do not', async () => {
    const { before, after, reviewId } = await unlinked();
    expect([await isHeld(before), await isHeld(after)]).toEqual([false, true]);
    const { body } = await one.get(`/reviews/${reviewId}?reason=case-1`);
    expect(body).toEqual({ reviewId, kind: 'same_digest', personIds: [before, after], state: 'open' });
  });

  it('is found when the attributes come later only', async () => {
    const old = await identity.card();
    await tap(old);
    const card = await identity.renew(old, { withoutLink: true, oldStaysValid: true });
    const { personId } = await tap(card, false);
    expect(await isHeld(personId)).toBe(false);
    expect((await tap(card)).personId).toBe(personId);
    expect(await isHeld(personId)).toBe(true);
  });

  it('is found when both come at the same moment, each several times: one review, one of the two waits', async () => {
    for (let round = 0; round < 3; round += 1) {
      const before = (await openReviews(identity)).length;
      const first = await identity.card();
      const second = await identity.renew(first, { withoutLink: true, oldStaysValid: true });
      const taps = Array.from({ length: 12 }, (_, index) => tap(index % 2 === 0 ? first : second));
      const persons = [...new Set((await Promise.all(taps)).map(({ personId }) => personId))];
      expect(persons).toHaveLength(2);
      expect((await openReviews(identity)).length).toBe(before + 1);
      const held = await Promise.all(persons.map(isHeld));
      expect(held.filter(Boolean)).toHaveLength(1);
    }
  });

  it('goes on when two members of staff say that they are different, and is not asked for again', async () => {
    const { before, after, card, reviewId } = await unlinked();
    const proposed = await one.decide(reviewId, { outcome: 'different_persons', evidence: 'case-7' });
    expect([proposed.status, proposed.body.state]).toEqual([201, 'proposed']);
    const alone = await one.approve(reviewId, proposed);
    expect([alone.status, alone.body.code]).toEqual([403, 'identity.second_person_required']);
    expect(await isHeld(after)).toBe(true);
    const other = await another.post(`/reviews/${reviewId}/approve`, { decisionId: before });
    expect([other.status, other.body.code]).toEqual([409, 'identity.nothing_proposed']);
    expect((await another.approve(reviewId, proposed)).body).toMatchObject({
      state: 'decided',
      approvedBy: 'staff:desk-2',
      decision: { outcome: 'different_persons', proposedBy: 'staff:desk-1', evidence: 'case-7' },
    });
    expect((await another.approve(reviewId, proposed)).status).toBe(200);
    expect((await deskOf(identity.service, 'desk-3').approve(reviewId, proposed)).body.code).toBe(
      'identity.review_decided',
    );
    expect(await isHeld(after)).toBe(false);
    expect(await published(after)).toEqual(['PersonRegistered', 'PersonReviewed']);
    const open = await openReviews(identity);
    identity.service.clock.forward(1_000);
    await tap(card);
    expect(await openReviews(identity)).toEqual(open);
    expect(await isHeld(after)).toBe(false);
  });

  it('becomes one when staff say so: the old id and the new one mean one person, by either card', async () => {
    const { before, after, old, card, accessToken, reviewId } = await unlinked();
    const proposed = await one.decide(reviewId, { outcome: 'same_person' });
    expect((await another.approve(reviewId, proposed)).status).toBe(200);
    expect([(await tap(old)).personId, (await tap(card)).personId]).toEqual([before, before]);
    expect(await ask(after)).toMatchObject({ personId: before, underReview: false });
    expect(await ask(before)).toMatchObject({ personId: before, formerPersonIds: [after], underReview: false });
    expect(await published(after)).toEqual(['PersonRegistered', 'PersonsMerged', 'PersonReviewed']);
    expect(await published(before)).toEqual(['PersonRegistered', 'PersonsMerged']);
    await waitUntilEnded(accessToken);
  });

  it('may be any: what a review needs is named, and only its own persons', async () => {
    const { reviewId } = await unlinked();
    const stranger = (await tap(await identity.card())).personId;
    const answers = await Promise.all(
      [
        { outcome: 'same_person', keptPersonId: stranger },
        { outcome: 'different_persons', certificatePersonId: stranger },
      ].map((body) => one.decide(reviewId, body)),
    );
    expect(answers.map(({ body }) => body.code)).toEqual(answers.map(() => 'identity.decision_incomplete'));
    expect((await one.decide(stranger, { outcome: 'same_person' })).status).toBe(404);
    expect((await one.decide(reviewId, { outcome: 'maybe' })).status).toBe(400);
    expect((await one.decide(reviewId, { outcome: 'same_person', evidence: '山田 太郎' })).status).toBe(400);
  });
});

/** This service learns of ended tokens as every other does. */
async function waitUntilEnded(accessToken: string): Promise<void> {
  const { jti } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString());
  const { body } = await identity.service.call('GET', '/identity/internal/v1/ended-sessions?after=0&wait=0', {
    token: service,
  });
  expect(body.tokenIds).toContain(jti);
}

describe('a merge', () => {
  async function merged() {
    const [a, b] = [await identity.card(), await identity.card()];
    const [kept, other] = [await tap(a), await tap(b)];
    const body = { keptPersonId: kept.personId, mergedPersonId: other.personId, reasonPattern: 'registered_twice' };
    const proposed = await one.post('/persons/merges', body);
    expect([proposed.status, proposed.body.state]).toEqual([201, 'proposed']);
    const { mergeId } = proposed.body;
    return { a, b, kept: kept.personId, merged: other.personId, tokens: [kept, other], body, mergeId };
  }

  it('needs a second person, ends the sessions of the merged id, and is undone by a split of two', async () => {
    const { a, b, kept, merged: other, tokens, mergeId } = await merged();
    expect((await one.post(`/persons/merges/${mergeId}/approve`)).body.code).toBe('identity.second_person_required');
    expect((await tap(b)).personId).toBe(other);
    const done = await another.post(`/persons/merges/${mergeId}/approve`);
    expect(done.body).toMatchObject({ mergeId, state: 'done', proposedBy: 'staff:desk-1', approvedBy: 'staff:desk-2' });
    await waitUntilEnded(tokens[1]?.accessToken ?? '');
    expect([(await tap(a)).personId, (await tap(b)).personId]).toEqual([kept, kept]);
    // A card that follows the merged person's is bound where that was, and goes back with it.
    const next = await identity.renew(b);
    identity.service.clock.forward(1_000);
    expect((await tap(next)).personId).toBe(kept);

    const split = await another.post('/persons/splits', { mergeId, reasonPattern: 'merged_in_error' });
    expect([split.status, split.body.mergedPersonId]).toEqual([201, other]);
    const path = `/persons/splits/${split.body.splitId}/approve`;
    expect((await another.post(path)).body.code).toBe('identity.second_person_required');
    expect((await one.post(path)).body.state).toBe('done');
    expect([(await tap(a, false)).personId, (await tap(next, false)).personId]).toEqual([kept, other]);
    expect(await ask(kept)).toMatchObject({ personId: kept, formerPersonIds: [] });
    expect((await one.post('/persons/splits', { mergeId, reasonPattern: 'fraud' })).body.code).toBe(
      'identity.not_merged',
    );
    // What was read of the other one while they were merged is not known of this one.
    const rules = { minimumAge: 18 };
    const at = new Date(identity.service.clock.now()).toISOString();
    const answer = await identity.service.call('POST', '/identity/internal/v1/eligibility', {
      token: service,
      body: { personId: kept, rules, at },
    });
    expect(answer.body.answers).toEqual([{ rule: 'age', answer: 'unknown', factReadAt: null }]);
    expect(await published(other)).toEqual(['PersonRegistered', 'PersonsMerged', 'PersonSplit']);
  });

  it('is made of two persons who stand for themselves', async () => {
    const { kept, merged: other, body, mergeId } = await merged();
    const again = await one.post('/persons/merges', body);
    await another.post(`/persons/merges/${mergeId}/approve`);
    expect((await another.post(`/persons/merges/${again.body.mergeId}/approve`)).body.code).toBe(
      'identity.not_mergeable',
    );
    const third = (await tap(await identity.card())).personId;
    const merge = (keptPersonId: string, mergedPersonId: string) =>
      one.post('/persons/merges', { ...body, keptPersonId, mergedPersonId });
    expect((await merge(other, third)).body.code).toBe('identity.not_mergeable');
    expect((await merge(kept, kept)).body.code).toBe('identity.not_mergeable');
    expect((await merge(kept, mergeId)).status).toBe(404);
    // The one that was kept may itself be merged: all ids then mean the last one.
    const chain = await merge(third, kept);
    await another.post(`/persons/merges/${chain.body.mergeId}/approve`);
    expect(await ask(other)).toMatchObject({ personId: third });
    expect((await ask(third)).formerPersonIds.toSorted()).toEqual([kept, other].sort());
    const shown = await one.get(`/persons/${other}?reason=case-9`);
    expect(shown.body).toMatchObject({ personId: third, personIds: [third, kept, other] });
  });

  it('happens once, however many approve it at the same moment', async () => {
    const { merged: other, mergeId } = await merged();
    const desks = Array.from({ length: 6 }, (_, index) => deskOf(identity.service, `desk-${index + 10}`));
    const answers = await Promise.all(desks.map((desk) => desk.post(`/persons/merges/${mergeId}/approve`)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await published(other)).filter((type) => type === 'PersonsMerged')).toHaveLength(1);
  });
});

describe('staff', () => {
  it('are put on record with every look, and say why', async () => {
    const { before, after, reviewId } = await unlinked();
    expect((await one.get(`/reviews/${reviewId}`)).status).toBe(400);
    await one.get(`/reviews/${reviewId}?reason=case-3`);
    await another.get(`/persons/${after}?reason=case-4`);
    const { rows } = await identity.service.pool.query(
      `select actor, role, owner_id, person_id, review_id, reason from looks
        where person_id = any($1) order by looked_at, person_id`,
      [[before, after]],
    );
    const look = { role: 'support', owner_id: 'demo' };
    expect(rows).toHaveLength(3);
    expect(rows).toEqual(
      expect.arrayContaining([
        { ...look, actor: 'staff:desk-1', person_id: before, review_id: reviewId, reason: 'case-3' },
        { ...look, actor: 'staff:desk-1', person_id: after, review_id: reviewId, reason: 'case-3' },
        { ...look, actor: 'staff:desk-2', person_id: after, review_id: null, reason: 'case-4' },
      ]),
    );
  });

  it('see the reviews in pages; citizens do not', async () => {
    const all = (await one.get('/reviews?limit=200')).body.reviews;
    const first = (await one.get('/reviews?limit=2')).body;
    const second = (await one.get(`/reviews?limit=2&cursor=${first.nextCursor}`)).body;
    expect([...first.reviews, ...second.reviews]).toEqual(all.slice(0, 4));
    expect((await one.get('/reviews?state=decided&limit=200')).body.reviews).toEqual(
      all.filter(({ state }: { state: string }) => state === 'decided'),
    );
    const { accessToken } = await tap(await identity.card());
    expect((await identity.service.call('GET', '/identity/v1/reviews', { token: accessToken })).status).toBe(403);
  });

  const own = ['reviews', 'person_likeness'];
  const readModels = definition.projections.filter(({ tables }) => tables.some((table) => own.includes(table)));
  it.each(readModels.map((each) => [each.name, each] as const))(
    'read a read model %s that equals a fresh fold of the log',
    async (_, projection) => {
      await identity.service.waitForProjections();
      const ownerPool = new pg.Pool({ connectionString: identity.service.ownerUrl, max: 2 });
      try {
        const of = { ownerPool, schema: definition.schema, logs: [identity.service.log], projection };
        expect((await verifyProjection(of)).equal).toBe(true);
        await identity.service.pool.query(`delete from ${projection.tables[0]} where position > 3`);
        expect((await verifyProjection(of)).equal).toBe(false);
      } finally {
        await ownerPool.end();
      }
    },
  );
});
