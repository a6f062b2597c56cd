import { type Card, freshKeys, newCard } from '@tsunagu/testing';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

const programmeId = 'library';
let identity: TestIdentity;
beforeAll(async () => {
  const rule = { alphabet: '0123456789', lengthMin: 8, lengthMax: 10 };
  identity = await startTestIdentity('test', { TSUNAGU_MY_KEY_ID_RULES: JSON.stringify({ [programmeId]: rule }) });
});
afterAll(() => identity.close());

const dayMs = 86_400_000;
let numbers = 10_000_000;
const fresh = () => String(numbers++);

type Citizen = Awaited<ReturnType<TestIdentity['citizen']>>;

const call = (method: string, path: string, token: string, body?: object) =>
  identity.service.call(method, `/identity/v1/my-key-ids${path}`, { token, ...(body && { body }) });
const register = (who: Citizen, myKeyId?: string, programme = programmeId) =>
  call('POST', '', who.token, { programmeId: programme, ...(myKeyId && { myKeyId }) });
const provisional = (who: Citizen, myKeyId: string) =>
  call('POST', '/provisional', who.token, { programmeId, myKeyId });
const list = async (who: Citizen) => (await call('GET', '', who.token)).body.myKeyIds;

async function change(who: Citizen, myKeyId: string, programme = programmeId, by: Card = who.card) {
  const proof = await identity.proof(by, 'change_my_key_id', { programmeId: programme, myKeyId });
  return call('PUT', '', who.token, { programmeId: programme, myKeyId, proof });
}

async function confirm(card: Card) {
  const { kiosk, terminalSessionId } = await identity.tap(card);
  const proof = await identity.proof(card, 'confirm_my_key_id', { programmeId, terminalSessionId });
  return call('POST', '/confirm', kiosk, { programmeId, terminalSessionId, proof });
}

describe('a full registration', () => {
  it('is the person’s own act, by the programme’s rule, and the same again', async () => {
    const me = await identity.citizen();
    const myKeyId = fresh();
    expect((await register(me, 'ABCDEFGH')).body).toMatchObject({
      code: 'request.invalid',
      errors: [{ code: 'form' }],
    });
    expect((await register(me, myKeyId, 'no-programme')).status).toBe(404);
    expect((await register(me)).body.code).toBe('identity.my_key_id_missing');
    const registered = { programmeId, myKeyId, state: 'registered' };
    expect(await register(me, myKeyId)).toMatchObject({ status: 200, body: registered });
    expect((await register(me, myKeyId)).body).toEqual(registered);
    expect((await register(me, fresh())).body.code).toBe('identity.my_key_id_registered');
    expect(await list(me)).toEqual([{ programmeId: 'default', myKeyId: me.myKeyId, state: 'registered' }, registered]);
  });

  it('of a string that the card shares with another person: signed in without one, then chosen', async () => {
    const first = await identity.citizen();
    const same = await identity.citizen(await identity.card({ commonName: first.myKeyId ?? '' }));
    expect(same.myKeyId).toBeNull();
    expect((await register(same, undefined, 'default')).body.code).toBe('identity.my_key_id_taken');
    const chosen = 'CHOSEN00000001';
    expect((await register(same, chosen, 'default')).status).toBe(200);
    expect((await identity.session(same.card)).body.person.myKeyId).toBe(chosen);
  });

  it('of one string by twenty persons at the same moment: one has it', async () => {
    const people = await Promise.all(Array.from({ length: 20 }, () => identity.citizen()));
    const myKeyId = fresh();
    const answers = await Promise.all(people.map((who) => register(who, myKeyId)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'identity.my_key_id_taken')).toHaveLength(19);
    const lists = await Promise.all(people.map(list));
    expect(lists.flat().filter((each) => each.myKeyId === myKeyId)).toHaveLength(1);
  });
});

it('at a shared terminal a registration needs the card, once more', async () => {
  const { card } = await identity.citizen();
  const { answer } = await identity.tap(card);
  const [token, myKeyId] = [answer.body.accessToken, fresh()];
  const order = { programmeId, myKeyId };
  const without = await Promise.all(['', '/provisional'].map((path) => call('POST', path, token, order)));
  expect(without.map(({ body }) => body.code)).toEqual(Array(2).fill('identity.fresh_proof_required'));
  const proof = await identity.proof(card, 'register_my_key_id', order);
  expect((await call('POST', '', token, { ...order, proof })).body.state).toBe('registered');
});

describe('a change', () => {
  it('needs the card, and keeps the old string away from strangers', async () => {
    const me = await identity.citizen();
    const other = await identity.citizen(await identity.card({ keys: freshKeys }));
    const [old, next] = [fresh(), fresh()];
    expect((await change(me, next)).body.code).toBe('identity.my_key_id_not_registered');
    await register(me, old);
    const bare = await call('PUT', '', me.token, { programmeId, myKeyId: next });
    expect([bare.status, bare.body.code]).toEqual([403, 'identity.fresh_proof_required']);
    expect((await change(me, next, programmeId, other.card)).body.code).toBe('identity.signature_invalid');
    expect((await change(me, next)).body).toEqual({ programmeId, myKeyId: next, state: 'registered' });
    expect((await register(other, old)).body.code).toBe('identity.my_key_id_taken');
    expect((await change(me, old)).status).toBe(200);
  });

  it('of the default ID shows at the next session, and survives a renewal of the card', async () => {
    const me = await identity.citizen();
    expect((await change(me, 'CHANGED0000001', 'default')).status).toBe(200);
    const renewed = await identity.renew(me.card);
    const { body } = await identity.session(renewed);
    expect(body.person).toEqual({ personId: me.personId, myKeyId: 'CHANGED0000001' });
  });
});

describe('a provisional registration', () => {
  it('is refused at once when the string is taken, and confirmed with the card at a counter', async () => {
    const [me, other] = [await identity.citizen(), await identity.citizen()];
    const myKeyId = fresh();
    const kept = await provisional(me, myKeyId);
    expect(kept).toMatchObject({ status: 200, body: { myKeyId, state: 'provisional' } });
    expect(Date.parse(kept.body.until) - identity.service.clock.now()).toBeGreaterThan(29 * dayMs);
    expect((await provisional(other, myKeyId)).body.code).toBe('identity.my_key_id_taken');
    expect((await provisional(me, fresh())).body.code).toBe('identity.my_key_id_reserved');
    expect((await confirm(other.card)).body.code).toBe('identity.my_key_id_not_reserved');
    expect((await confirm(me.card)).body).toEqual({ programmeId, myKeyId, state: 'registered' });
    expect((await confirm(me.card)).status).toBe(200);
    expect((await list(me)).at(-1)).toEqual({ programmeId, myKeyId, state: 'registered' });
  });

  it('lapses after 30 days: nobody confirms it, and another person may have the string', async () => {
    const me = await identity.citizen();
    const myKeyId = fresh();
    await provisional(me, myKeyId);
    identity.service.clock.forward(30 * dayMs);
    const other = await identity.citizen();
    expect((await confirm(me.card)).body.code).toBe('identity.my_key_id_not_reserved');
    expect((await register(other, myKeyId)).status).toBe(200);
    expect((await list(await identity.citizen(me.card))).length).toBe(1);
  });

  it('races with a full registration of the same string: one wins', async () => {
    const [me, other] = [await identity.citizen(), await identity.citizen()];
    const myKeyId = fresh();
    const answers = await Promise.all([provisional(me, myKeyId), register(other, myKeyId)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});

it('a card whose string was kept for another, once, signs in without one', async () => {
  const [me, myKeyId] = [await identity.citizen(), 'WISHED00000001'];
  await call('POST', '/provisional', me.token, { programmeId: 'default', myKeyId });
  identity.service.clock.forward(31 * dayMs);
  const nowMs = identity.service.clock.now();
  const late = await identity.citizen(await newCard(identity.store, { nowMs, commonName: myKeyId }));
  expect(late.myKeyId).toBeNull();
  expect((await register(late, undefined, 'default')).body.myKeyId).toBe(myKeyId);
});

it('no text of a MyKey ID stands in the log or outside the vault', async () => {
  const { rows } = await identity.service.pool.query('select * from events');
  const seen = JSON.stringify([rows, identity.service.logLines]);
  expect(seen).toContain('MyKeyIdChanged');
  expect(['CHOSEN00000001', 'CHANGED0000001', 'WISHED00000001'].filter((text) => seen.includes(text))).toEqual([]);
});
