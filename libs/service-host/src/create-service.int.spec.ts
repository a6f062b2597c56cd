import { Controller, Get, Module } from '@nestjs/common';
import { publishedEvents, topics } from '@tsunagu/contracts';
import { toNewEvent } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import { received, thingsDefinition } from './fixture/things.js';
import { message, startTestService, type TestService } from './test-service.js';

describe('a service on the host', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService(thingsDefinition);
  });
  afterAll(() => service.close());

  it('answers a public call, with the correlation id that came with it', async () => {
    const correlationId = newId(Date.now());
    const answer = await service.call('GET', '/campaign/v1/things/open', {
      headers: { 'correlation-id': correlationId },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ caller: null });
    expect(answer.headers.get('correlation-id')).toBe(correlationId);
  });

  it('reports live and ready', async () => {
    expect((await service.call('GET', '/health/live')).status).toBe(200);
    expect(await service.call('GET', '/health/ready')).toMatchObject({ status: 200, body: { reasons: [] } });
  });

  it('counts requests by route pattern', async () => {
    await service.call('GET', '/campaign/v1/things/some-id-of-a-person', {
      token: await service.token({ role: 'operator' }),
    });
    const { body } = await service.call('GET', '/metrics');
    expect(body).toContain('route="/campaign/v1/things/:thingId"');
    expect(body).not.toContain('some-id-of-a-person');
  });

  it('logs a request without its address, query or token', async () => {
    await service.call('GET', '/campaign/v1/things/secret-id?name=Taro', {
      token: await service.token({ role: 'operator' }),
    });
    const line = service.logLines.findLast((each) => each.msg === 'request');
    expect(line).toMatchObject({ method: 'GET', route: '/campaign/v1/things/:thingId', status: 404 });
    expect(JSON.stringify(service.logLines)).not.toMatch(/secret-id|Taro|Bearer/);
  });

  it('logs a bug by class and place, never by a message that may quote data', async () => {
    const answer = await service.call('GET', '/campaign/v1/things/fails');
    expect(answer).toMatchObject({ status: 500, body: { code: 'service.internal_error' } });
    const line = service.logLines.findLast((each) => each.msg === 'failed');
    expect(line).toMatchObject({ error: 'TypeError', correlationId: answer.body.traceId });
    expect(JSON.stringify([line, answer.body])).not.toContain('Yamada');
  });

  it('answers 503 with Retry-After when another service does not answer', async () => {
    const answer = await service.call('GET', '/campaign/v1/things/asks');
    expect(answer).toMatchObject({ status: 503, body: { code: 'service.unavailable' } });
    expect(Number(answer.headers.get('retry-after'))).toBe(answer.body.retryAfterSeconds);
    expect(answer.body.retryAfterSeconds).toBeGreaterThanOrEqual(2);
  });

  it('hands whole batches to a consumer, and the consumer`s own error back', async () => {
    const granted = publishedEvents.find((event) => event.type === 'PointsGranted');
    const refused = publishedEvents.find((event) => event.type === 'GrantRefused');
    const batch = [message('PointsGranted', granted?.example), message('PointsGranted', granted?.example)];
    await service.deliver(topics.account, batch);
    expect(received.at(-1)?.map(({ id }) => id)).toEqual(batch.map(({ id }) => id));
    await expect(service.deliver(topics.account, [message('GrantRefused', refused?.example)])).rejects.toThrow(
      'not this one',
    );
  });

  it('shows published events only in its internal log, to services only', async () => {
    const accepted = publishedEvents.find((event) => event.type === 'ClaimAccepted');
    const meta = {
      effectiveAt: '2026-11-20T01:00:00.000Z',
      correlationId: newId(1),
      causationId: null,
      actor: 'service:campaign',
      ownerId: 'demo',
    };
    const events = [
      toNewEvent({ type: 'CampaignDrafted', data: {} }, { id: newId(2), ...meta }),
      toNewEvent({ type: 'ClaimAccepted', data: accepted?.example }, { id: newId(3), ...meta }),
    ];
    await service.log.append([{ writes: [{ stream: 'entitlement-x', expectedRevision: 'noStream', events }] }]);
    const path = '/campaign/internal/v1/log?after=0&limit=10';
    const answer = await service.call('GET', path, {
      token: await service.token({ role: 'service', subject: 'point-ledger' }),
    });
    expect(answer.body.through).toBe(2);
    expect(answer.body.events.map((event: { type: string }) => event.type)).toEqual(['ClaimAccepted']);
    expect((await service.call('GET', path, { token: await service.token({ role: 'operator' }) })).status).toBe(403);
    expect((await service.call('GET', path)).status).toBe(401);
  });

  it('describes itself with complete paths and without internal ones', async () => {
    const { body } = await service.call('GET', '/campaign/openapi.json');
    expect(Object.keys(body.paths)).toContain('/campaign/v1/things/{thingId}');
    expect(Object.keys(body.paths).filter((path) => path.includes('internal'))).toEqual([]);
    const make = body.paths['/campaign/v1/things'].post;
    expect(make.parameters).toContainEqual(
      expect.objectContaining({ name: 'Idempotency-Key', in: 'header', required: true }),
    );
    expect(body.components.schemas.NewThing).toMatchObject({
      required: ['name'],
      properties: {
        name: { type: 'string', maxLength: 50 },
        amount: { type: 'integer', minimum: 0, maximum: 1000 },
        tags: { type: 'array', maxItems: 3, items: { type: 'string', maxLength: 10 } },
        parts: { type: 'array', items: { $ref: '#/components/schemas/Part' } },
      },
    });
    expect(body.components.schemas.Part.properties).toEqual({ kind: { type: 'string', enum: ['a', 'b'] } });
    const query = body.paths['/campaign/v1/things/{thingId}'].get.parameters;
    expect(query).toContainEqual(expect.objectContaining({ name: 'name', in: 'query', required: false }));
    expect(make['x-roles']).toEqual(['operator']);
    expect(make.security).toEqual([{ bearer: [] }]);
  });

  it('cannot change or remove recorded events with its own role', async () => {
    for (const sql of ['UPDATE events SET type = type', 'DELETE FROM events', 'TRUNCATE events']) {
      await expect(service.pool.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
  });
});

describe('starting and stopping', () => {
  it('refuses to start with a handler that does not say who may call it', async () => {
    @Controller('campaign/v1/open-door')
    class OpenDoor {
      @Get()
      everybody() {
        return {};
      }
    }
    @Module({ controllers: [OpenDoor] })
    class OpenModule {}
    const definition = { ...thingsDefinition, consumes: [], module: () => OpenModule };
    await expect(startTestService(definition)).rejects.toThrow('OpenDoor.everybody has neither @Roles nor @Public');
  });

  it('finishes the request at hand, refuses new ones, and is closed', async () => {
    const service = await startTestService(thingsDefinition);
    const token = await service.token({ role: 'operator' });
    const before = service.logLines.length;
    const slow = service.call('POST', '/campaign/v1/things', {
      token,
      body: { name: 'slow', delayMs: 300 },
      headers: { 'idempotency-key': 'slow' },
    });
    // The row is made before the delay begins.
    for (let rows = 0; rows === 0; ) {
      rows = (await service.pool.query('SELECT 1 FROM things')).rowCount ?? 0;
    }
    const closed = service.running.close(2_000);
    expect((await slow).status).toBe(201);
    await closed;
    await expect(service.call('GET', '/campaign/v1/things/open')).rejects.toThrow('fetch failed');
    expect(service.logLines.slice(before).filter((line) => Number(line.level) >= 50)).toEqual([]);
    await service.close();
  });
});
