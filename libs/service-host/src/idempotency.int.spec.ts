import fc from 'fast-check';
import { thingsDefinition } from './fixture/things.js';
import { forgetOldAnswers } from './idempotency-store.js';
import { startTestService, type TestAnswer, type TestService } from './test-service.js';

describe('an idempotent call', () => {
  let service: TestService;
  let token: string;
  let keys = 0;
  beforeAll(async () => {
    service = await startTestService(thingsDefinition);
    token = await service.token({ role: 'operator', ttlSeconds: 360_000_000 });
  });
  afterAll(() => service.close());

  const freshKey = () => `key-${++keys}`;
  const make = (key: string, body: object, as = token): Promise<TestAnswer> =>
    service.call('POST', '/campaign/v1/things', { token: as, body, headers: { 'idempotency-key': key } });
  const madeCount = async (thingId: string) =>
    (await service.pool.query('SELECT made_count FROM things WHERE thing_id = $1', [thingId])).rows[0]?.made_count;

  it('needs a key of 1–255 printable ASCII characters', async () => {
    const without = await service.call('POST', '/campaign/v1/things', { token, body: { name: 'x' } });
    expect(without).toMatchObject({ status: 400, body: { code: 'request.idempotency_key_required' } });
    expect((await make('k'.repeat(256), { name: 'x' })).body.code).toBe('request.idempotency_key_required');
    expect((await make('clé', { name: 'x' })).body.code).toBe('request.idempotency_key_required');
    expect((await make('k'.repeat(255), { name: 'x' })).status).toBe(201);
  });

  it('gives the first answer again, however the body is written', async () => {
    const key = freshKey();
    const first = await make(key, { name: 'a', amount: 1 });
    const again = await make(key, { amount: 1.0, name: 'a' });
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await madeCount(first.body.thingId)).toBe(1);
  });

  it('refuses the key with another body', async () => {
    const key = freshKey();
    await make(key, { name: 'a' });
    expect(await make(key, { name: 'b' })).toMatchObject({
      status: 422,
      body: { code: 'request.idempotency_key_reused' },
    });
  });

  it('keeps callers, owners and paths apart', async () => {
    const key = freshKey();
    const others = await Promise.all([
      service.token({ role: 'operator', subject: 'b' }),
      service.token({ role: 'operator', ownerId: 'shibuya' }),
    ]);
    const answers = await Promise.all([token, ...others].map((as) => make(key, { name: 'a' }, as)));
    expect(new Set(answers.map(({ body }) => body.thingId)).size).toBe(3);
    expect(answers.map(({ body }) => body.ownerId)).toEqual(['demo', 'demo', 'shibuya']);
  });

  it('keeps the refusals of rules', async () => {
    const key = freshKey();
    const body = { name: 'a', refuseWith: 'campaign.wrong_state' };
    expect((await make(key, body)).status).toBe(409);
    const again = await make(key, body);
    expect(again).toMatchObject({ status: 409, body: { code: 'campaign.wrong_state' } });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it.each(['auth.role_required', 'service.unavailable', 'request.not_found', 'request.idempotency_in_progress'])(
    'does not keep %s: the same call may succeed later, and creates the same thing',
    async (refuseWith) => {
      const key = freshKey();
      expect((await make(key, { name: 'a', refuseWith })).body.code).toBe(refuseWith);
      const retried = await make(key, { name: 'a' });
      expect(retried.status).toBe(201);
      expect(retried.body.madeCount).toBe(2);
    },
  );

  it('does not keep a refused body', async () => {
    const key = freshKey();
    expect((await make(key, { name: 1 })).body.code).toBe('request.invalid');
    expect((await make(key, { name: 'a' })).status).toBe(201);
  });

  it('answers 409 while the first call runs', async () => {
    const key = freshKey();
    const body = { name: 'a', delayMs: 400 };
    const first = make(key, body);
    let second = await make(key, body);
    // Whichever came first runs; a call beside it is refused at once.
    const [running, refused] = second.status === 409 ? [await first, second] : [second, await first];
    expect(refused.body).toMatchObject({ code: 'request.idempotency_in_progress' });
    expect(running.status).toBe(201);
    second = await make(key, body);
    expect(second.body).toEqual(running.body);
  });

  it('can be repeated after its process died, and finds what it made', async () => {
    const key = freshKey();
    const first = await make(key, { name: 'a' });
    // As a crash leaves it: no answer, and a lease that has run out.
    await service.pool.query(
      `UPDATE idempotency SET status = NULL, answer = NULL, leased_until = now() - interval '1 second'
       WHERE answer LIKE '%' || $1 || '%'`,
      [first.body.thingId],
    );
    const repeated = await make(key, { name: 'a' });
    expect(repeated).toMatchObject({ status: 201, body: { thingId: first.body.thingId, madeCount: 2 } });
  });

  it('has one effect, however many equal calls there are at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 0, max: 20 }), async (calls, delayMs) => {
        const key = freshKey();
        const answers = await Promise.all(Array.from({ length: calls }, () => make(key, { name: 'a', delayMs })));
        const made = answers.filter(({ status }) => status === 201);
        expect(made.length).toBeGreaterThanOrEqual(1);
        expect(new Set(made.map(({ body }) => JSON.stringify(body))).size).toBe(1);
        const rest = answers.filter(({ status }) => status !== 201);
        expect(rest.every(({ body }) => body.code === 'request.idempotency_in_progress')).toBe(true);
        expect(await madeCount(made[0]?.body.thingId)).toBe(1);
      }),
      { numRuns: 15 },
    );
  });

  it('is forgotten after 30 days of the platform`s clock, not before', async () => {
    const key = freshKey();
    await make(key, { name: 'a' });
    const day = 86_400_000;
    expect(await forgetOldAnswers(service.pool, service.clock.now() + 29 * day)).toBe(0);
    expect((await make(key, { name: 'a' })).headers.get('idempotency-replayed')).toBe('true');
    expect(await forgetOldAnswers(service.pool, service.clock.now() + 31 * day)).toBeGreaterThan(0);
    expect((await make(key, { name: 'a' })).body.madeCount).toBe(2);
  });
});
