import { toNewEvent } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import { Client } from 'pg';
import { thingsDefinition } from './fixture/things.js';
import { loadOrCreateKey } from './keyring.js';
import { startTestService, type TestService } from './test-service.js';

const base = '/campaign/v1/log';
let service: TestService;
beforeAll(async () => {
  service = await startTestService(thingsDefinition, {
    env: { TSUNAGU_HEAD_SECONDS: '1', TSUNAGU_LOG_ORIGIN: 'points.example' },
  });
});
afterAll(() => service.close());

const get = (path: string) => service.call('GET', `${base}${path}`);
const size = async () => Number((await get('')).body.logs[0].size);

/** Records events and waits until a head is signed over all of them. */
async function record(events: number): Promise<void> {
  const writes = Array.from({ length: events }, () => {
    const id = newId(service.clock.now());
    const meta = { id, effectiveAt: new Date(service.clock.now()).toISOString(), correlationId: id };
    const more = { causationId: null, actor: 'service:spec', ownerId: null };
    const event = toNewEvent({ type: 'ThingHappened', data: {} }, { ...meta, ...more });
    return { stream: `thing-${id}`, expectedRevision: 'noStream' as const, events: [event] };
  });
  await service.log.append(writes.map((write) => ({ writes: [write] })));
  const head = await service.log.head();
  while ((await size()) < head) service.clock.forward(100);
}

async function asSuperuser(sql: string): Promise<void> {
  const client = new Client({ connectionString: service.ownerUrl });
  await client.connect();
  await client.query(`set search_path = ${thingsDefinition.schema}; ${sql}`).finally(() => client.end());
}

test('before the first head there is none', async () => {
  const { status, body } = await get('/0/checkpoint');
  expect([status, body.code, body.retryAfterSeconds]).toEqual([409, 'log.not_signed_yet', 1]);
  expect((await get('')).body.logs).toEqual([
    expect.objectContaining({ log: 0, origin: 'points.example/campaign/0', size: 0, signedAt: null }),
  ]);
  expect((await get('/0/inclusion?position=1')).body.code).toBe('log.not_signed_yet');
});

describe('with events', () => {
  beforeAll(async () => {
    await record(3);
    await record(5);
  });

  test('anybody reads the signed heads, under the public key that stands in the key set', async () => {
    const { status, headers, body } = await get('/0/checkpoint');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(body).toMatch(/^points\.example\/campaign\/0\n8\n[\w+/]{43}=\n\n— points\.example\/campaign\/0 \S+\n$/);
    const { publicJwk } = await loadOrCreateKey(service.keyDirectory, 'log-campaign', 'Ed25519');
    const key = Buffer.from(
      String((await get('')).body.logs[0].verifierKey)
        .split('+')
        .slice(2)
        .join('+'),
      'base64',
    );
    expect(key.subarray(1).toString('base64url')).toBe(publicJwk.x);
    const all = (await get('/0/checkpoints')).body;
    expect(all.checkpoints.at(-1)).toMatchObject({ size: 8, note: body });
    expect(all.nextAfter).toBeUndefined();
    const first = (await get('/0/checkpoints?limit=1')).body;
    expect(first.checkpoints).toEqual(all.checkpoints.slice(0, 1));
    const rest = (await get(`/0/checkpoints?after=${first.nextAfter}`)).body;
    expect([...first.checkpoints, ...rest.checkpoints]).toEqual(all.checkpoints);
  });

  test('proofs come for what is signed', async () => {
    const consistency = await get('/0/consistency?first=3&second=8');
    expect(consistency).toMatchObject({
      status: 200,
      body: { first: 3, second: 8, origin: 'points.example/campaign/0' },
    });
    expect(consistency.headers.get('cache-control')).toContain('immutable');
    expect(consistency.body.proof).toHaveLength(4);
    expect((await get('/0/inclusion?position=8')).body).toMatchObject({ position: 8, size: 8 });
    expect((await get('/0/inclusion?position=2&size=3')).body.proof).toHaveLength(2);
    for (const path of [
      '/0/consistency?first=1&second=9',
      '/0/inclusion?position=9',
      '/0/inclusion?position=1&size=9',
    ]) {
      const { status, body } = await get(path);
      expect([status, body.code]).toEqual([409, 'log.not_signed_yet']);
    }
  });

  test.each([
    '/0/consistency',
    '/0/consistency?first=1',
    '/0/consistency?first=8&second=3',
    '/0/consistency?first=-1&second=3',
    '/0/consistency?first=0.5&second=3',
    '/0/consistency?first=1&second=9007199254740993',
    '/0/consistency?first=x&second=3',
    '/0/consistency?first=1&first=2&second=3',
    '/0/inclusion',
    '/0/inclusion?position=0',
    '/0/inclusion?position=5&size=4',
    '/0/inclusion?position=1&size=0',
    '/0/inclusion?position=1&more=1',
    '/0/checkpoints?limit=0',
    '/0/checkpoints?limit=1001',
    '/0/checkpoints?after=-1',
  ])('refuses %s', async (path) => {
    const { status, body } = await get(path);
    expect([status, body.code]).toEqual([400, 'request.invalid']);
  });

  test.each([
    '/1/checkpoint',
    '/x/checkpoint',
    '/00000000/checkpoint',
    '/-1/inclusion?position=1',
    '/0/tiles',
    '/%00/checkpoint',
  ])('there is no %s', async (path) => expect((await get(path)).status).toBe(404));

  test('another service gets the event itself; nobody else', async () => {
    const path = '/campaign/internal/v1/log/proof?position=4';
    const token = await service.token({ role: 'service', subject: 'campaign' });
    const { body } = await service.call('GET', path, { token });
    expect(body).toMatchObject({ ok: true, value: { position: 4, origin: 'points.example/campaign/0' } });
    expect(JSON.parse(body.value.leaf)).toMatchObject({ position: 4, type: 'ThingHappened', data: '{}' });
    const auditor = await service.token({ role: 'auditor', ownerId: 'demo' });
    expect((await service.call('GET', path, { token: auditor })).body.code).toBe('auth.role_required');
    expect((await service.call('GET', `${path}&log=7`, { token })).status).toBe(404);
    expect((await service.call('GET', `${path}&log=x`, { token })).status).toBe(400);
  });

  test('a record that was changed is said to be so, and the tree counts how far it is behind', async () => {
    const token = await service.token({ role: 'service', subject: 'campaign' });
    await asSuperuser(`update events set data = '{ }' where position = 4`);
    const { body } = await service.call('GET', '/campaign/internal/v1/log/proof?position=4', { token });
    expect(body.refusal.code).toBe('log.record_changed');
    await asSuperuser(`update events set data = '{}' where position = 4`);
    expect((await service.call('GET', '/metrics')).body).toContain(
      'tsunagu_log_tree_lag_events{log="0",service="campaign"} 0',
    );
  });

  test('the service may add to the tree, and change nothing of it', async () => {
    for (const table of ['log_tree_runs', 'log_heads']) {
      for (const sql of [`delete from ${table}`, `update ${table} set log = 1`, `truncate ${table}`]) {
        await expect(service.pool.query(sql)).rejects.toThrow('permission denied');
      }
    }
  });
});

test.each([
  [{ TSUNAGU_HEAD_SECONDS: '0' }, 'TSUNAGU_HEAD_SECONDS'],
  [{ TSUNAGU_LOG_ORIGIN: 'two words' }, 'TSUNAGU_LOG_ORIGIN'],
  [{ TSUNAGU_LOG_ORIGIN: 'a+b' }, 'TSUNAGU_LOG_ORIGIN'],
])('does not start with %j', async (env, name) => {
  await expect(startTestService(thingsDefinition, { env })).rejects.toThrow(name);
});

test('in production the logs have a name of their own', async () => {
  const named = (TSUNAGU_LOG_ORIGIN: string | undefined) =>
    startTestService(thingsDefinition, { profile: 'production', env: { TSUNAGU_LOG_ORIGIN } });
  await expect(named(undefined)).rejects.toThrow('a name of your own');
  await expect(named('tsunagu.local')).rejects.toThrow('a name of your own');
  await (await named('points.example')).close();
});
