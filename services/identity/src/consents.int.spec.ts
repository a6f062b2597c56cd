import { randomUUID } from 'node:crypto';
import type { Card } from '@tsunagu/testing';
import { deskOf, openReviews } from './test-lineage.js';
import { startTestNationalLogin, type TestNationalLogin } from './test-national-login.js';

let at: TestNationalLogin;
let service: string;
beforeAll(async () => {
  at = await startTestNationalLogin();
  service = await at.identity.service.token({ role: 'service', subject: 'campaign', ttlSeconds: 86_400 });
});
afterAll(() => at.close());

const base = '/identity/v1/consents';

async function tap(card: Card, withAttributes = true): Promise<{ personId: string; token: string }> {
  // Two readings at one moment are one.
  at.identity.service.clock.forward(1_000);
  const { status, body } = await at.identity.session(card, { withAttributes });
  expect([status, body.code]).toEqual([201, undefined]);
  return { personId: body.person.personId, token: body.accessToken };
}

async function list(token: string) {
  const { status, body } = await at.identity.service.call('GET', base, { token });
  expect(status).toBe(200);
  return body.consents as { purpose: string; state: string; how: string; givenAt: string; withdrawnAt?: string }[];
}
const statesOf = async (token: string) => (await list(token)).map(({ how, state }) => `${how} ${state}`);

const withdraw = (token: string, body: object = {}, purpose = 'attributes') =>
  at.identity.service.call('POST', `${base}/${purpose}/withdraw`, { token, body });

async function standingOf(personId: string) {
  const body = { personId, rules: { minimumAge: 18 }, at: new Date(at.identity.service.clock.now()).toISOString() };
  return (await at.identity.service.call('POST', '/identity/internal/v1/eligibility', { token: service, body })).body;
}
const answerOf = async (personId: string): Promise<string> => (await standingOf(personId)).answers[0].answer;

const withdrawals = async (personId: string) =>
  (await at.identity.service.published()).filter(
    ({ type, data }) => type === 'ConsentWithdrawn' && (data as { personId: string }).personId === personId,
  );

async function isInVault(personId: string): Promise<boolean> {
  const { rows } = await at.identity.service.pool.query(
    `select 1 from vault_attributes where person_id = $1 and kind = 'attributes'`,
    [personId],
  );
  return rows.length > 0;
}

describe('a consent', () => {
  it('is given by letting the card be read, and withdrawn by the person: the facts are unknown, and told to campaign', async () => {
    const card = await at.identity.card({ birthDate: '1990-04-01' });
    const { personId, token } = await tap(card);
    const [given] = await list(token);
    expect(given).toEqual({ purpose: 'attributes', state: 'given', how: 'card', givenAt: expect.any(String) });
    expect([await answerOf(personId), await isInVault(personId)]).toEqual(['yes', true]);

    at.identity.service.clock.forward(1_000);
    const done = await withdraw(token);
    const withdrawn = { ...given, state: 'withdrawn', withdrawnAt: expect.any(String) };
    expect(done).toMatchObject({ status: 200, body: withdrawn });
    expect(await list(token)).toEqual([done.body]);
    expect([await answerOf(personId), await isInVault(personId)]).toEqual(['unknown', false]);
    const data = { personId, purpose: 'attributes', withdrawnAt: done.body.withdrawnAt };
    expect((await withdrawals(personId)).map((event) => event.data)).toEqual([data]);

    at.identity.service.clock.forward(1_000);
    expect((await withdraw(token)).body).toEqual(done.body);
    expect(await withdrawals(personId)).toHaveLength(1);
  });

  it('is given anew by reading the card again, and then has a withdrawal of its own', async () => {
    const card = await at.identity.card({ birthDate: '1990-04-01' });
    const { personId, token } = await tap(card);
    await withdraw(token);
    await tap(card, false);
    expect(await statesOf(token)).toEqual(['card withdrawn']);
    await tap(card);
    expect(await answerOf(personId)).toBe('yes');
    expect(await statesOf(token)).toEqual(['card given', 'card withdrawn']);
    await withdraw(token);
    expect(await statesOf(token)).toEqual(['card withdrawn', 'card withdrawn']);
    expect([await answerOf(personId), (await withdrawals(personId)).length]).toEqual(['unknown', 2]);
  });

  it('is not read again by the national login once it was withdrawn, unless the person says so', async () => {
    const account = at.login.account({ name: '見本 花子', birthdate: '1990-04-01', gender: 'female' });
    const first = (await at.signIn(account)).body;
    const [personId, token] = [first.person.personId, first.accessToken];
    expect([await statesOf(token), await answerOf(personId)]).toEqual([['login given'], 'yes']);
    at.identity.service.clock.forward(1_000);
    await withdraw(token);
    at.identity.service.clock.forward(1_000);
    expect((await at.signIn(account)).body.person.personId).toBe(personId);
    expect([await statesOf(token), await answerOf(personId)]).toEqual([['login withdrawn'], 'unknown']);
    expect(await isInVault(personId)).toBe(false);
    const begun = (await at.begin()).body;
    const returned = await at.login.authorize(begun.authorizationUrl, account);
    const path = `/identity/v1/national-login/${begun.loginId}/complete`;
    const done = await at.identity.service.call('POST', path, { body: { ...returned, consent: true } });
    expect([done.status, await answerOf(personId)]).toEqual([201, 'yes']);
    expect(await statesOf(token)).toEqual(['login given', 'login withdrawn']);
  });

  it('that was never given is not withdrawn; other purposes, strangers and other members are refused', async () => {
    const { token } = await tap(await at.identity.card(), false);
    expect(await list(token)).toEqual([]);
    const never = await withdraw(token);
    expect([never.status, never.body.code]).toEqual([409, 'identity.consent_not_given']);
    const unknown = await withdraw(token, {}, 'toString');
    expect([unknown.status, unknown.body.code]).toEqual([404, 'request.not_found']);
    expect((await withdraw(token, { personId: randomUUID() })).status).toBe(400);
    const staff = await at.identity.service.token({ role: 'support', ownerId: 'demo' });
    expect([(await withdraw(staff)).status, (await withdraw('')).status]).toEqual([403, 401]);
    expect((await at.identity.service.call('GET', base, { token: staff })).status).toBe(403);
  });

  it('is withdrawn at a shared terminal with the card only, once more', async () => {
    const { card } = await at.identity.citizen();
    const { personId } = await tap(card);
    const { answer } = await at.identity.tap(card);
    const token = answer.body.accessToken;
    const bare = await withdraw(token);
    expect([bare.status, bare.body.code]).toEqual([403, 'identity.fresh_proof_required']);
    const other = await at.identity.proof(card, 'withdraw_consent', { purpose: 'another' });
    expect((await withdraw(token, { proof: other })).body.code).toBe('identity.fresh_proof_required');
    expect(await answerOf(personId)).toBe('yes');
    const proof = await at.identity.proof(card, 'withdraw_consent', { purpose: 'attributes' });
    expect((await withdraw(token, { proof })).body.state).toBe('withdrawn');
  });

  it('is withdrawn by a person who is frozen as by anybody else', async () => {
    const { personId, token } = await tap(await at.identity.card());
    expect((await at.identity.service.call('POST', '/identity/v1/freeze', { token, body: {} })).body.frozen).toBe(true);
    expect((await withdraw(token)).body.state).toBe('withdrawn');
    expect(await answerOf(personId)).toBe('unknown');
  });

  it('is withdrawn once by twenty calls at the same moment', async () => {
    const { personId, token } = await tap(await at.identity.card());
    const answers = await Promise.all(Array.from({ length: 20 }, () => withdraw(token)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.withdrawnAt}`)).size).toBe(1);
    expect(await withdrawals(personId)).toHaveLength(1);
  });
});

describe('a withdrawal', () => {
  it('ends no review, and hides no double', async () => {
    const old = await at.identity.card();
    const before = await tap(old);
    await withdraw(before.token);
    // A card that link data does not tie to the old one: another id, held by what the first reading left.
    const next = await at.identity.renew(old, { withoutLink: true, oldStaysValid: true });
    const after = await tap(next);
    expect(after.personId).not.toBe(before.personId);
    expect((await standingOf(after.personId)).underReview).toBe(true);
    const open = (await openReviews(at.identity)).length;
    await withdraw(after.token);
    expect((await standingOf(after.personId)).underReview).toBe(true);
    expect((await openReviews(at.identity)).length).toBe(open);
  });

  it('counts from the moment it is recorded, also where the vault has yet to forget', async () => {
    const { personId, token } = await tap(await at.identity.card());
    const { rows } = await at.identity.service.pool.query('select * from vault_attributes where person_id = $1', [
      personId,
    ]);
    const row = rows.find(({ kind }) => kind === 'attributes');
    await withdraw(token);
    await at.identity.service.pool.query(
      'insert into vault_attributes (person_id, kind, sealed, read_at) values ($1, $2, $3, $4)',
      [personId, row.kind, row.sealed, row.read_at],
    );
    expect([await isInVault(personId), await answerOf(personId)]).toEqual([true, 'unknown']);
    await withdraw(token);
    expect([await isInVault(personId), (await withdrawals(personId)).length]).toEqual([false, 1]);
  });
});

describe('of two merged persons', () => {
  const one = () => deskOf(at.identity.service, 'desk-1');
  const another = () => deskOf(at.identity.service, 'desk-2');

  async function merge(keptPersonId: string, mergedPersonId: string): Promise<string> {
    const body = { keptPersonId, mergedPersonId, reasonPattern: 'registered_twice' };
    const { mergeId } = (await one().post('/persons/merges', body)).body;
    expect((await another().post(`/persons/merges/${mergeId}/approve`)).body.state).toBe('done');
    return mergeId;
  }
  async function split(mergeId: string): Promise<void> {
    const { splitId } = (await one().post('/persons/splits', { mergeId, reasonPattern: 'merged_in_error' })).body;
    expect((await another().post(`/persons/splits/${splitId}/approve`)).body.state).toBe('done');
  }

  it('a withdrawal covers both ids, and after a split each stays withdrawn until it reads anew', async () => {
    const [a, b] = [await at.identity.card(), await at.identity.card()];
    const [kept, merged] = [await tap(a), await tap(b)];
    const mergeId = await merge(kept.personId, merged.personId);
    expect(await statesOf(kept.token)).toEqual(['card given', 'card given']);
    expect((await withdraw(kept.token)).status).toBe(200);
    expect(await statesOf(kept.token)).toEqual(['card withdrawn', 'card withdrawn']);
    for (const { personId } of [kept, merged]) {
      expect([await answerOf(personId), await isInVault(personId)]).toEqual(['unknown', false]);
      expect(await withdrawals(personId)).toHaveLength(1);
    }
    await split(mergeId);
    expect([await answerOf(kept.personId), await answerOf(merged.personId)]).toEqual(['unknown', 'unknown']);
    const parted = await tap(b);
    expect([parted.personId, await answerOf(merged.personId)]).toEqual([merged.personId, 'yes']);
    expect(await statesOf(parted.token)).toEqual(['card given', 'card withdrawn']);
    expect([await statesOf(kept.token), await answerOf(kept.personId)]).toEqual([['card withdrawn'], 'unknown']);
  });

  it('one withdrew before: the other’s consent goes on, and ends with the next withdrawal', async () => {
    const [kept, merged] = [await tap(await at.identity.card()), await tap(await at.identity.card())];
    await withdraw(merged.token);
    await merge(kept.personId, merged.personId);
    expect(await statesOf(kept.token)).toEqual(['card withdrawn', 'card given']);
    expect([await answerOf(kept.personId), await answerOf(merged.personId)]).toEqual(['yes', 'unknown']);
    await withdraw(kept.token);
    expect([await withdrawals(kept.personId), await withdrawals(merged.personId)].map((each) => each.length)).toEqual([
      1, 1,
    ]);
  });

  it('a consent given while they were one does not outlast a split', async () => {
    const [a, b] = [await at.identity.card(), await at.identity.card()];
    const [kept, merged] = [await tap(a, false), await tap(b)];
    const mergeId = await merge(kept.personId, merged.personId);
    expect((await tap(b)).personId).toBe(kept.personId);
    expect(await answerOf(kept.personId)).toBe('yes');
    await split(mergeId);
    expect([await list(kept.token), await answerOf(kept.personId)]).toEqual([[], 'unknown']);
    expect(await answerOf(merged.personId)).toBe('yes');
  });
});
