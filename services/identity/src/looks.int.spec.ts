import { newId } from '@tsunagu/kernel';
import { startTestIdentity, type TestIdentity } from './test-identity.js';
import { type Desk, deskOf } from './test-lineage.js';

describe('looks at a person', () => {
  let identity: TestIdentity;
  let one: Desk;
  let another: Desk;
  beforeAll(async () => {
    identity = await startTestIdentity();
    one = deskOf(identity.service, 'desk-1');
    another = deskOf(identity.service, 'desk-2');
  });
  afterAll(() => identity.close());

  const looks = async (token: string, query = '') =>
    identity.service.call('GET', `/identity/v1/looks${query}`, { token });
  const reasons = async (token: string) =>
    (await looks(token)).body.looks.map(({ reason }: { reason: string }) => reason);

  it('are shown to the person: when, role, owner, reason and fields, never who', async () => {
    const { personId, token } = await identity.citizen();
    const shown = await one.get(`/persons/${personId}?reason=case-1`);
    const { body, headers } = await looks(token);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      looks: [
        {
          lookId: expect.any(String),
          lookedAt: expect.any(String),
          role: 'support',
          ownerId: 'demo',
          reason: 'case-1',
          fields: Object.keys(shown.body),
        },
      ],
    });
    expect(JSON.stringify(body)).not.toContain('desk-1');
  });

  it('come newest first in pages, and only the person’s own', async () => {
    const [a, b] = [await identity.citizen(), await identity.citizen()];
    for (const number of [1, 2, 3]) await one.get(`/persons/${a.personId}?reason=page-${number}`);
    await one.get(`/persons/${b.personId}?reason=other`);
    const first = (await looks(a.token, '?limit=2')).body;
    const second = (await looks(a.token, `?limit=2&cursor=${first.nextCursor}`)).body;
    const pages = [first, second].map((page) => page.looks.map(({ reason }: { reason: string }) => reason));
    expect(pages).toEqual([['page-3', 'page-2'], ['page-1']]);
    expect(second.nextCursor).toBeUndefined();
    expect(await reasons(b.token)).toEqual(['other']);
    const support = await identity.service.token({ role: 'support' });
    expect((await looks(support)).status).toBe(403);
    expect((await looks(a.token, '?limit=0')).status).toBe(400);
    const nobody = await identity.service.token({ role: 'citizen', subject: newId(1) });
    expect(await reasons(nobody)).toEqual([]);
  });

  it('at an id that was merged into the person are theirs too', async () => {
    const [kept, merged] = [await identity.citizen(), await identity.citizen()];
    await one.get(`/persons/${merged.personId}?reason=before-merge`);
    const pair = { keptPersonId: kept.personId, mergedPersonId: merged.personId };
    const { body } = await one.post('/persons/merges', { ...pair, reasonPattern: 'registered_twice' });
    expect((await another.post(`/persons/merges/${body.mergeId}/approve`)).status).toBe(200);
    await another.get(`/persons/${kept.personId}?reason=after-merge`);
    expect(await reasons(kept.token)).toEqual(['after-merge', 'before-merge']);
  });
});
