import type { Card } from '@tsunagu/testing';
import { startTestIdentity, type TestIdentity } from './test-identity.js';
import { deskOf } from './test-lineage.js';

const base = '/identity/v1/sessions';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await startTestIdentity();
});
afterAll(() => identity.close());

const signIn = async (card: Card): Promise<string> => (await identity.session(card)).body.accessToken;
const list = async (token: string) => {
  const { status, body } = await identity.service.call('GET', base, { token });
  expect(status).toBe(200);
  return body.sessions as { sessionId: string; current: boolean; expiresAt: string; terminalId?: string }[];
};
const currentOf = async (token: string) => (await list(token)).find(({ current }) => current)?.sessionId ?? '';
const end = async (sessionId: string, token: string) =>
  (await identity.service.call('DELETE', `${base}/${sessionId}`, { token })).status;
const isOpen = async (token: string) => (await identity.service.call('GET', base, { token })).status === 200;

describe('sessions of one’s own', () => {
  it('are listed newest first, with the way they were opened and which one asks', async () => {
    const card = await identity.card();
    const first = await signIn(card);
    identity.service.clock.forward(60_000);
    const { answer } = await identity.tap(card, 'counter-7');
    await signIn(await identity.card());
    const listed = await list(first);
    expect(listed).toEqual([
      {
        sessionId: expect.any(String),
        openedAt: expect.any(String),
        // The token's own, which is in whole seconds.
        expiresAt: `${answer.body.expiresAt.slice(0, 19)}.000Z`,
        how: 'terminal',
        terminalId: 'counter-7',
        current: false,
      },
      {
        sessionId: expect.any(String),
        openedAt: expect.any(String),
        expiresAt: expect.any(String),
        how: 'card',
        current: true,
      },
    ]);
    const { jti } = JSON.parse(Buffer.from(first.split('.')[1] ?? '', 'base64url').toString());
    expect(JSON.stringify(listed)).not.toContain(jti);
    identity.service.clock.forward(121_000);
    expect((await list(first)).map(({ current }) => current)).toEqual([true]);
  });

  it('end one by one, and again without a change; other services hear of it', async () => {
    const card = await identity.card();
    const [own, lost] = [await signIn(card), await signIn(card)];
    const service = await identity.service.token({ role: 'service', subject: 'campaign' });
    const ask = (after: number, wait: number) =>
      identity.service.call('GET', `/identity/internal/v1/ended-sessions?after=${after}&wait=${wait}`, {
        token: service,
      });
    const heard = ask((await ask(0, 0)).body.through, 5);
    const sessionId = await currentOf(lost);
    expect(await end(sessionId, own)).toBe(204);
    const { jti } = JSON.parse(Buffer.from(lost.split('.')[1] ?? '', 'base64url').toString());
    expect((await heard).body.tokenIds).toEqual([jti]);
    expect([await isOpen(lost), await isOpen(own)]).toEqual([false, true]);
    expect(await end(sessionId, own)).toBe(204);
    expect((await list(own)).map(({ current }) => current)).toEqual([true]);
  });

  it('end all at once but the one that asks', async () => {
    const card = await identity.card();
    const [own, one, two] = [await signIn(card), await signIn(card), await signIn(card)];
    const stranger = await signIn(await identity.card());
    expect((await identity.service.call('DELETE', base, { token: own })).status).toBe(204);
    expect(await Promise.all([own, one, two, stranger].map(isOpen))).toEqual([true, false, false, true]);
  });

  it('include those under an id that was merged into theirs', async () => {
    const [one, another] = [deskOf(identity.service, 'desk-1'), deskOf(identity.service, 'desk-2')];
    const [kept, merged] = [await identity.citizen(), await identity.citizen()];
    const { body } = await one.post('/persons/merges', {
      keptPersonId: kept.personId,
      mergedPersonId: merged.personId,
      reasonPattern: 'registered_twice',
      evidence: 'CASE-1',
    });
    expect((await another.post(`/persons/merges/${body.mergeId}/approve`)).status).toBe(200);
    expect((await list(kept.token)).length).toBe(1);
    // A session that a merge comes in between of: listed under the merged id, and not found by the merge.
    const late = await signIn(kept.card);
    const sessionId = await currentOf(late);
    const moved = 'update sessions set person_id = $1 where session_id = $2';
    await identity.service.pool.query(moved, [merged.personId, sessionId]);
    expect((await list(kept.token)).map((each) => each.sessionId)).toContain(sessionId);
    expect([await end(sessionId, kept.token), await isOpen(late)]).toEqual([204, false]);
  });

  it('are nobody else’s: a foreign, an unknown and a wrong id are 404, other roles are 403', async () => {
    const own = await signIn(await identity.card());
    const stranger = await signIn(await identity.card());
    for (const sessionId of [await currentOf(stranger), '019ab3f0-6c00-7000-8000-000000000001', 'x']) {
      expect(await end(sessionId, own)).toBe(404);
    }
    expect(await isOpen(stranger)).toBe(true);
    for (const role of ['kiosk', 'operator'] as const) {
      const token = await identity.service.token({ role });
      for (const method of ['GET', 'DELETE']) {
        const { status, body } = await identity.service.call(method, base, { token });
        expect([status, body.code]).toEqual([403, 'auth.role_required']);
      }
      expect(await end(await currentOf(own), token)).toBe(403);
    }
    expect((await identity.service.call('GET', base)).status).toBe(401);
  });
});
