import { newId } from '@tsunagu/kernel';
import { freshKeys } from '@tsunagu/testing';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await startTestIdentity();
});
afterAll(() => identity.close());

const post = (path: string, token: string, body: object = {}) =>
  identity.service.call('POST', `/identity/v1/freeze${path}`, { token, body });

async function standing(personId: string) {
  const token = await identity.service.token({ role: 'service', subject: 'service-link' });
  return identity.service.call('GET', `/identity/internal/v1/persons/${personId}/standing`, { token });
}

async function typesOf(personId: string): Promise<readonly string[]> {
  const stream = `freeze-${personId}`;
  return ((await identity.service.log.readStreams([stream])).get(stream) ?? []).map(({ type }) => type);
}

describe('a freeze', () => {
  it('is the person’s own act without a card, at once, and one event however often it is asked for', async () => {
    const { personId, token } = await identity.citizen();
    expect((await standing(personId)).body).toEqual({ frozen: false });
    const answers = await Promise.all([post('', token), post('', token), post('', token)]);
    expect(answers.map(({ status, body }) => [status, body.frozen])).toEqual(Array(3).fill([200, true]));
    expect((await standing(personId)).body).toEqual({ frozen: true });
    expect(await typesOf(personId)).toEqual(['PersonFrozen']);
  });

  it('is the support desk’s for a reason of the list, and nobody else’s', async () => {
    const { personId, token } = await identity.citizen();
    const support = await identity.service.token({ role: 'support' });
    const order = { personId, pattern: 'card_stolen' };
    expect((await post('', support, { personId })).body.code).toBe('request.invalid');
    expect((await post('', support, { personId, pattern: 'he phoned' })).body.code).toBe('request.invalid');
    expect((await post('', support, { ...order, personId: newId(1) })).status).toBe(404);
    expect((await post('', await identity.service.token({ role: 'operator' }), order)).status).toBe(403);
    expect((await post('', token, order)).body.code).toBe('request.invalid');
    expect((await post('', (await identity.citizen()).token, { personId })).status).toBe(404);
    expect(await typesOf(personId)).toEqual([]);
    expect((await post('', support, order)).status).toBe(200);
    expect((await standing(personId)).body).toEqual({ frozen: true });
  });

  it('is lifted by the card alone', async () => {
    const { card, personId, token } = await identity.citizen();
    await post('', token);
    const lift = async (by: typeof card, operation: object = { personId }) =>
      post('/lift', token, { proof: await identity.proof(by, 'lift_freeze', operation) });
    expect((await post('/lift', token)).body.code).toBe('identity.fresh_proof_required');
    expect((await lift(await identity.card({ keys: freshKeys }))).body.code).toBe('identity.signature_invalid');
    expect((await lift(card, { personId: newId(1) })).body.code).toBe('identity.fresh_proof_required');
    const support = await identity.service.token({ role: 'support' });
    expect((await post('/lift', support)).status).toBe(403);
    expect((await standing(personId)).body).toEqual({ frozen: true });
    expect((await lift(card)).body).toEqual({ personId, frozen: false });
    expect((await lift(card)).body).toEqual({ personId, frozen: false });
    expect(await typesOf(personId)).toEqual(['PersonFrozen', 'FreezeLifted']);
    expect((await standing(personId)).body).toEqual({ frozen: false });
  });

  it('is asked for a person who is known only', async () => {
    expect((await standing(newId(1))).status).toBe(404);
    expect((await standing('nobody')).status).toBe(404);
  });
});
