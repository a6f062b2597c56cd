import { loadOrCreateKey } from '@tsunagu/service-host';
import { registerTestPersons, signCitizenToken } from './index.js';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

let identity: TestIdentity;
let token: string;
beforeAll(async () => {
  identity = await startTestIdentity();
  token = await identity.service.token({ role: 'service', subject: 'campaign', ttlSeconds: 86_400 });
});
afterAll(() => identity.close());

const ask = (personId: string, rules: object) =>
  identity.service.call('POST', '/identity/internal/v1/eligibility', {
    token,
    body: { personId, rules, at: new Date(identity.service.clock.now()).toISOString() },
  });
const answersOf = async (personId: string, rules: object) =>
  (await ask(personId, rules)).body.answers.map(
    ({ rule, answer }: { rule: string; answer: string }) => `${rule} ${answer}`,
  );

describe('eligibility', () => {
  it('is unknown until attributes were read from the card, then yes or no with the time of reading', async () => {
    const card = await identity.card({ birthDate: '2008-04-01', residence: '13101' });
    const rules = { minimumAge: 18, residencePrefixes: ['13'] };
    const { personId } = (await identity.session(card)).body.person;
    expect(await answersOf(personId, rules)).toEqual(['age unknown', 'residence unknown']);
    await identity.session(card, { withAttributes: true });
    expect((await ask(personId, rules)).body.answers).toEqual([
      { rule: 'age', answer: 'yes', factReadAt: expect.stringMatching(/^2026-11-20T/) },
      { rule: 'residence', answer: 'yes', factReadAt: expect.stringMatching(/^2026-11-20T/) },
    ]);
    expect(await answersOf(personId, { minimumAge: 18, ageAsOf: '2026-03-31' })).toEqual(['age yes']);
    expect(await answersOf(personId, { minimumAge: 18, ageAsOf: '2026-03-30' })).toEqual(['age no']);
    expect(await answersOf(personId, { residencePrefixes: ['14', '13102'] })).toEqual(['residence no']);
    expect(await answersOf(personId, { residencePrefixes: ['13'], residentAsOf: '2026-11-20' })).toEqual([
      'residence yes',
    ]);
    expect(await answersOf(personId, { residencePrefixes: ['13'], residentAsOf: '2026-11-21' })).toEqual([
      'residence unknown',
    ]);
    expect(await answersOf(personId, {})).toEqual([]);
  });

  it('follows a move when the new signature certificate is read', async () => {
    const card = await identity.card({ residence: '13101' });
    const { personId } = (await identity.session(card, { withAttributes: true })).body.person;
    const moved = await identity.renew(card, { residence: '47201' });
    identity.service.clock.forward(1_000);
    expect((await identity.session(moved, { withAttributes: true })).body.person.personId).toBe(personId);
    expect(await answersOf(personId, { residencePrefixes: ['13'] })).toEqual(['residence no']);
  });

  it('is told of many persons at once, in their order, as of each alone', async () => {
    const rules = { minimumAge: 18, residencePrefixes: ['13'] };
    const people = [];
    for (const birthDate of ['2008-04-01', '2015-01-01']) {
      const card = await identity.card({ birthDate, residence: '13101' });
      // Who is under 15 has no signature certificate, and so no attributes.
      const withAttributes = birthDate < '2011';
      people.push((await identity.session(card, { withAttributes })).body.person.personId as string);
    }
    const nobody = '019ab3f0-6c00-7000-8000-000000000001';
    const askAll = (personIds: readonly string[], more: object = {}) =>
      identity.service.call('POST', '/identity/internal/v1/eligibilities', {
        token,
        body: { personIds, rules, at: new Date(identity.service.clock.now()).toISOString(), ...more },
      });
    const { status, body } = await askAll([people[1] ?? '', nobody, people[0] ?? '', people[1] ?? '']);
    const [young, grown] = [(await ask(people[1] ?? '', rules)).body, (await ask(people[0] ?? '', rules)).body];
    expect([status, body.standings]).toEqual([200, [young, null, grown, young]]);
    expect([young, grown].map(({ answers }) => answers[0].answer)).toEqual(['unknown', 'yes']);
    expect((await askAll([])).body).toEqual({ standings: [] });
    for (const bad of [
      { personIds: ['x'] },
      { personIds: Array(501).fill(nobody) },
      { rules: { ageAsOf: '2026-02-30' } },
    ])
      expect((await askAll([nobody], bad)).status).toBe(400);
    const staff = await identity.service.token({ role: 'operator', ownerId: 'demo' });
    const path = '/identity/internal/v1/eligibilities';
    expect((await identity.service.call('POST', path, { token: staff, body: {} })).status).toBe(403);
  });

  it('is asked by services only, about persons who exist', async () => {
    expect((await ask('019ab3f0-6c00-7000-8000-000000000001', { minimumAge: 18 })).status).toBe(404);
    expect((await ask('x', {})).status).toBe(400);
    const { personId } = (await identity.session(await identity.card())).body.person;
    expect((await ask(personId, { minimumAge: 18, ageAsOf: '2026-02-30' })).status).toBe(400);
    const staff = await identity.service.token({ role: 'operator', ownerId: 'demo' });
    const path = '/identity/internal/v1/eligibility';
    expect((await identity.service.call('POST', path, { token: staff, body: {} })).status).toBe(403);
  });
});

describe('persons for load tests', () => {
  it('are registered in batches, known to eligibility, and hold tokens', async () => {
    const { log, pool, keyDirectory, clock } = identity.service;
    const heard: number[] = [];
    const begun = performance.now();
    const personIds = await registerTestPersons(
      { log, pool, keyDirectory, clock },
      { count: 2_500, birthDate: '2015-01-01', residence: '14100' },
      (done) => heard.push(done),
    );
    expect(performance.now() - begun).toBeLessThan(20_000);
    expect([new Set(personIds).size, heard]).toEqual([2_500, [1_000, 2_000, 2_500]]);
    const rules = { minimumAge: 15, residencePrefixes: ['14'] };
    expect(await answersOf(personIds[1_700] ?? '', rules)).toEqual(['age no', 'residence yes']);
    const key = await loadOrCreateKey(keyDirectory, 'citizen', 'RS256');
    const { accessToken } = await signCitizenToken(key, personIds[0] ?? '', clock, 60);
    const answer = await identity.service.call('DELETE', '/identity/v1/sessions/current', { token: accessToken });
    expect(answer.status).toBe(204);
  });
});

describe('the vault', () => {
  it('is unreadable once a key is destroyed, and the person signs in all the same', async () => {
    const card = await identity.card();
    const { personId, myKeyId } = (await identity.session(card, { withAttributes: true })).body.person;
    await identity.service.pool.query('DELETE FROM vault_keys WHERE person_id = $1', [personId]);
    expect(await answersOf(personId, { minimumAge: 18 })).toEqual(['age unknown']);
    // The card brings its string along again, as after a stop between log and vault.
    expect((await identity.session(card)).body.person).toEqual({ personId, myKeyId });
  });
});
