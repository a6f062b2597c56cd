import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type DataOf, topics } from '@tsunagu/contracts';
import type { RecordedEvent } from '@tsunagu/event-store';
import { derivedId, newId } from '@tsunagu/kernel';
import { createService, QuestionUnanswered, type RunningService } from '@tsunagu/service-host';
import { message, startTestService, type TestService } from '@tsunagu/service-host/testing';
import { type FaultMode, SimulatedProvider, type TestDatabase, testDatabase } from '@tsunagu/testing';
import { pino } from 'pino';
import { definition, registerSimulatedProvider } from './index.js';

/** The exchange against a real provider over HTTP; the ledger's answers are delivered by hand. */

const me = newId(Date.parse('2026-11-20T00:00:00Z'));
const fundId = newId(1);
const lotId = newId(2);
let service: TestService;
let outside: TestDatabase;
let server: Server;
let baseUrl: string;
let breakAnswer: ((path: string, response: ServerResponse) => boolean) | undefined;
const links: Record<string, unknown> = {};
const holds: Record<string, RecordedEvent | undefined> = {};

beforeAll(async () => {
  outside = await testDatabase();
  service = await startTestService(definition, {
    env: { TSUNAGU_EXCHANGE_SWEEP_SECONDS: '1' },
    questions: {
      'service-link': (path) => links[path.replace('links/', '')],
      'point-ledger': (path) => {
        const exchangeId = path.split('/').at(-1) ?? '';
        return { state: 'unknown', event: holds[exchangeId] };
      },
    },
  });
  const publicJwk = join(service.keyDirectory, 'provider-1.public.json');
  const provider = await SimulatedProvider.open({
    pool: outside.pool,
    clock: service.clock,
    publicKey: () => createPublicKey({ key: JSON.parse(readFileSync(publicJwk, 'utf8')), format: 'jwk' }),
  });
  server = createServer((request, response) => {
    if (!breakAnswer?.(request.url ?? '', response)) void provider.handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sim-pay`;
  await register(baseUrl);
});
afterAll(async () => {
  await service.close();
  server.closeAllConnections();
  server.close();
  await outside.close();
});
beforeEach(async () => {
  breakAnswer = undefined;
  await faults('none');
});

const register = (url: string) =>
  registerSimulatedProvider(
    { log: service.log, database: service.pool, clock: service.clock, keyDirectory: service.keyDirectory },
    url,
  );

async function faults(mode: FaultMode): Promise<void> {
  await fetch(`${baseUrl}/faults`, { method: 'PUT', body: JSON.stringify({ mode }) });
}

async function creditsOf(exchangeId: string): Promise<number> {
  const found = await outside.pool.query(
    `select 1 from sim_pay.credits where exchange_id = $1 and state = 'credited'`,
    [exchangeId],
  );
  return found.rowCount ?? 0;
}

function freshLink(change: Record<string, unknown> = {}): string {
  const linkId = newId(service.clock.now());
  links[linkId] = {
    linkId,
    personId: me,
    providerId: 'sim-pay',
    state: 'established',
    providerAccountRef: `sp-${'a'.repeat(24)}`,
    ...change,
  };
  return linkId;
}

async function post(points: number, linkId = freshLink(), key = newId(1)) {
  const token = await service.token({ role: 'citizen', subject: me });
  const headers = { 'idempotency-key': key };
  return service.call('POST', '/exchange/v1/exchanges', { token, headers, body: { linkId, points } });
}

async function read(exchangeId: string, waitSeconds = 0, subject = me) {
  const token = await service.token({ role: 'citizen', subject });
  const headers: Record<string, string> = waitSeconds > 0 ? { prefer: `wait=${waitSeconds}` } : {};
  return service.call('GET', `/exchange/v1/exchanges/${exchangeId}`, { token, headers });
}

const lots = (points: number) => [{ lotId, fundId, ownerId: 'demo', points }];

/** Answers the next request as the ledger would: resolves with its exchangeId once the answer is delivered. */
async function ledgerHolds(points: number): Promise<string> {
  const exchangeId = await nextRequested();
  const holdId = derivedId('hold', exchangeId);
  const ids = { exchangeId, personId: me, points };
  await service.deliver(topics.account, [
    message('PointsHeld', {
      ...ids,
      holdId,
      providerId: 'sim-pay',
      lots: lots(points),
      askOwnerAt: '2026-11-20T02:00:00.000Z',
    }),
  ]);
  return exchangeId;
}

let seen = 0;
async function nextRequested(): Promise<string> {
  for (;;) {
    const { events, through } = await service.log.readLog({ after: seen, limit: 1_000, types: ['ExchangeRequested'] });
    seen = through;
    const [event] = events;
    if (event) return (event.data as DataOf<'ExchangeRequested'>).exchangeId;
    await service.log.waitForAppend(through, 5_000);
  }
}

async function captured(exchangeId: string, points: number): Promise<void> {
  const holdId = derivedId('hold', exchangeId);
  const data = { holdId, exchangeId, personId: me, providerId: 'sim-pay', points, lots: lots(points) };
  await service.deliver(topics.account, [message('HoldCaptured', data)]);
}

async function typesOf(exchangeId: string): Promise<readonly string[]> {
  const stream = `exchange-${exchangeId}`;
  return ((await service.log.readStreams([stream])).get(stream) ?? []).map((event) => event.type);
}

/** Waits on the log until the exchange's stream holds the type. */
async function until(exchangeId: string, type: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const head = await service.log.head();
    if ((await typesOf(exchangeId)).includes(type)) return;
    if (Date.now() > deadline) throw new Error(`${type} did not come: ${await typesOf(exchangeId)}`);
    await service.log.waitForAppend(head, 1_000);
  }
}

async function exchange(points: number) {
  const [answer, exchangeId] = await Promise.all([post(points), ledgerHolds(points)]);
  expect(answer).toMatchObject({ status: 202, body: { exchangeId } });
  return { answer, exchangeId };
}

describe('an exchange', () => {
  it('is held when the POST answers, credited once, and confirmed only after the capture', async () => {
    const { answer, exchangeId } = await exchange(300);
    expect(['held', 'submitted']).toContain(answer.body.state);
    await until(exchangeId, 'ExchangeConfirmed');
    expect((await read(exchangeId)).body).toMatchObject({ state: 'submitted', points: 300, providerPoints: 300 });
    await captured(exchangeId, 300);
    const ended = await read(exchangeId, 5);
    expect(ended.body).toMatchObject({ state: 'confirmed', providerReference: expect.stringMatching(/^SP\d{12}$/) });
    expect(await typesOf(exchangeId)).toEqual([
      'ExchangeRequested',
      'ExchangeHeld',
      'ExchangeSubmitted',
      'ProviderCredited',
      'ExchangeConfirmed',
      'ExchangeCaptured',
    ]);
    const token = await service.token({ role: 'citizen', subject: me });
    const list = await service.call('GET', '/exchange/v1/exchanges?limit=1', { token });
    expect(list.body.exchanges).toEqual([ended.body]);
    const outcome = await service.call('GET', `/exchange-settlement/internal/v1/exchanges/${exchangeId}/outcome`, {
      token: await service.token({ role: 'service', subject: 'point-ledger' }),
    });
    expect(outcome.body).toMatchObject({ exchangeId, outcome: 'confirmed', eventId: expect.any(String) });
    expect((await read(exchangeId, 0, newId(5))).status).toBe(404);
  });

  it('is refused at once when the ledger says that the points are not there', async () => {
    const [answer] = await Promise.all([
      post(700),
      nextRequested().then((exchangeId) => {
        const data = {
          exchangeId,
          personId: me,
          points: 700,
          reasonCode: 'insufficient_points',
          exchangeablePoints: 300,
        };
        return service.deliver(topics.account, [message('HoldRefused', data)]);
      }),
    ]);
    expect(answer).toMatchObject({ status: 409, body: { code: 'exchange.insufficient_points' } });
    expect((await read(answer.body.exchangeId)).body).toMatchObject({
      state: 'rejected',
      reasonCode: 'insufficient_points',
    });
  });

  it('is 202 requested when the ledger does not answer in time, and goes on when it does', async () => {
    const answer = await post(100);
    expect(answer).toMatchObject({ status: 202, body: { state: 'requested', providerPoints: 100 } });
    const exchangeId = await ledgerHolds(100);
    await until(exchangeId, 'ExchangeConfirmed');
    await captured(exchangeId, 100);
  });

  it.each([
    ['fewer points than the minimum', 50, undefined, 422, 'exchange.below_minimum'],
    ['points that are no whole units', 150, undefined, 422, 'exchange.not_in_units'],
    ['a link that is not established', 100, { state: 'requested' }, 409, 'exchange.link_not_established'],
    ["somebody else's link", 100, { personId: newId(9) }, 404, 'request.not_found'],
    ['no points', 0, undefined, 400, 'request.invalid'],
  ])('is refused for %s', async (_, points, change, status, code) => {
    expect(await post(points, freshLink(change))).toMatchObject({ status, body: { code } });
  });

  it('is refused for a link that nobody knows, and left alone when the link cannot be asked for', async () => {
    expect((await post(100, newId(3))).status).toBe(404);
    const known = service.questions['service-link'];
    service.questions['service-link'] = () => {
      throw new QuestionUnanswered('service-link', 'down');
    };
    expect((await post(100)).status).toBe(503);
    if (known) service.questions['service-link'] = known;
  });

  it('rejected by the provider ends so, and the release is recorded', async () => {
    await faults('reject');
    const { exchangeId } = await exchange(200);
    await until(exchangeId, 'ExchangeRejected');
    expect((await read(exchangeId)).body).toMatchObject({ state: 'rejected', reasonCode: 'declined' });
    const holdId = derivedId('hold', exchangeId);
    await service.deliver(topics.account, [
      message('HoldReleased', {
        holdId,
        exchangeId,
        personId: me,
        points: 200,
        lots: lots(200),
        reasonCode: 'declined',
      }),
    ]);
    expect((await typesOf(exchangeId)).at(-1)).toBe('ExchangeReleased');
  });
});

describe('a provider that misbehaves', () => {
  it.each<[FaultMode, string | undefined]>([
    ['credit_then_drop', 'ExchangeOutcomeUnknown'],
    ['late', 'ExchangeOutcomeUnknown'],
    ['error', 'ExchangeOutcomeUnknown'],
    ['pending', undefined],
  ])('%s: the exchange is confirmed in the end, credited once, never refused', async (mode, between) => {
    await faults(mode);
    const { exchangeId } = await exchange(100);
    if (between) {
      await until(exchangeId, between);
      expect((await read(exchangeId)).body.state).toBe('outcome_unknown');
    }
    await faults('none');
    await until(exchangeId, 'ExchangeConfirmed');
    expect(await creditsOf(exchangeId)).toBe(1);
    expect(await typesOf(exchangeId)).not.toContain('ExchangeRejected');
    await captured(exchangeId, 100);
  });

  it('garbage leaves the outcome unknown until an inquiry answers', async () => {
    breakAnswer = (path, response) => {
      if (!path.endsWith('/credits')) return false;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"state":"cred');
      return true;
    };
    const { exchangeId } = await exchange(100);
    await until(exchangeId, 'ExchangeOutcomeUnknown');
    expect(await creditsOf(exchangeId)).toBe(0);
    breakAnswer = undefined;
    await until(exchangeId, 'ExchangeConfirmed');
    expect(await creditsOf(exchangeId)).toBe(1);
    await captured(exchangeId, 100);
  });

  it('what stays unknown past the limit is under review, raises an alarm, and is confirmed by a late answer all the same', async () => {
    breakAnswer = (path, response) => {
      if (!path.includes('/credits')) return false;
      response.destroy();
      return true;
    };
    const { exchangeId } = await exchange(100);
    await until(exchangeId, 'ExchangeOutcomeUnknown');
    service.clock.forward(72 * 3_600_000);
    await until(exchangeId, 'ExchangeReviewOpened');
    expect((await read(exchangeId)).body.state).toBe('under_review');
    expect(service.logLines).toContainEqual(expect.objectContaining({ alarm: 'exchange_under_review', exchangeId }));
    breakAnswer = undefined;
    await until(exchangeId, 'ExchangeConfirmed');
    await captured(exchangeId, 100);
  });
});

describe('the ledger’s answers', () => {
  it('twice change nothing, and a hold of an unknown exchange is no message to be worked off', async () => {
    const { exchangeId } = await exchange(100);
    await until(exchangeId, 'ExchangeConfirmed');
    const holdId = derivedId('hold', exchangeId);
    const data = { holdId, exchangeId, personId: me, providerId: 'sim-pay', points: 100, lots: lots(100) };
    const capture = message('HoldCaptured', data);
    await service.deliver(topics.account, [capture, capture]);
    await service.deliver(topics.account, [capture]);
    expect((await typesOf(exchangeId)).filter((type) => type === 'ExchangeCaptured')).toHaveLength(1);
    const stranger = message('HoldCaptured', { ...data, exchangeId: newId(4) });
    await expect(service.deliver(topics.account, [stranger])).rejects.toThrow('not known here');
  });

  it('that never arrived are asked for past their time, with an alarm', async () => {
    const answer = await post(100);
    const { exchangeId } = answer.body;
    await nextRequested();
    const holdId = derivedId('hold', exchangeId);
    holds[exchangeId] = message('PointsHeld', {
      holdId,
      exchangeId,
      personId: me,
      providerId: 'sim-pay',
      points: 100,
      lots: lots(100),
      askOwnerAt: '2026-11-20T02:00:00.000Z',
    });
    service.clock.forward(60_000);
    await until(exchangeId, 'ExchangeConfirmed');
    expect(service.logLines).toContainEqual(expect.objectContaining({ alarm: 'exchanges_overdue_at_ledger' }));
    await captured(exchangeId, 100);
  });
});

describe('a restart', () => {
  const silent = {
    subscribe: async () => ({ positions: async () => new Map<number, number>(), close: async () => undefined }),
    close: async () => undefined,
  };

  /** Another process of the service on the same log: nothing of the first one's memory. */
  function another(): Promise<RunningService> {
    return createService(
      definition,
      {
        profile: 'test',
        clock: service.clock,
        database: service.pool,
        log: service.log,
        feed: silent,
        questions: {
          ask: async <T>(_: string, path: string) => links[path.replace('links/', '')] as T | undefined,
        },
        keyDirectory: service.keyDirectory,
        jwksUrl: 'data:application/json,{"keys":[]}',
        logger: pino({ level: 'silent' }),
      },
      { env: {} },
    );
  }

  it.each([
    ['held, not yet submitted', ['ExchangeHeld']],
    ['submitted, nothing sent', ['ExchangeHeld', 'ExchangeSubmitted']],
    ['submitted and credited, the answer lost', ['ExchangeHeld', 'ExchangeSubmitted', 'credited']],
    ['outcome unknown', ['ExchangeHeld', 'ExchangeSubmitted', 'ExchangeOutcomeUnknown']],
  ])('%s: the exchange goes on from what is recorded and is credited once', async (_, steps) => {
    const exchangeId = newId(service.clock.now());
    const stream = `exchange-${exchangeId}`;
    const ids = { exchangeId, personId: me, providerId: 'sim-pay', points: 100 };
    const data: Record<string, object> = {
      ExchangeRequested: { ...ids, linkId: freshLink(), payingOwnerIds: ['demo'] },
      ExchangeHeld: {
        exchangeId,
        holdId: derivedId('hold', exchangeId),
        lots: lots(100),
        providerPoints: 100,
        parts: [{ ownerId: 'demo', points: 100, providerPoints: 100 }],
      },
      ExchangeSubmitted: { exchangeId, providerId: 'sim-pay' },
      ExchangeOutcomeUnknown: { exchangeId, why: 'timeout' },
    };
    const events = ['ExchangeRequested', ...steps.filter((step) => step !== 'credited')].map((type) => ({
      id: newId(service.clock.now()),
      type,
      schemaVersion: 1,
      effectiveAt: '2026-11-20T01:00:00.000Z',
      correlationId: exchangeId,
      causationId: null,
      actor: 'service:exchange-settlement',
      ownerId: 'demo',
      data: data[type],
    }));
    if (steps.includes('credited')) {
      await outside.pool.query(
        `insert into sim_pay.credits values ($1, $2, 100, 100, 'credited', nextval('sim_pay.credit_sequence'), 'SP9', now())`,
        [exchangeId, `sp-${'a'.repeat(24)}`],
      );
    }
    // The running process is told nothing: only a process that starts, or a sweep, looks at what is recorded.
    await service.log.append([{ writes: [{ stream, expectedRevision: 'noStream', events }] }]);
    const restarted = await another();
    try {
      await until(exchangeId, 'ExchangeConfirmed');
      expect(await creditsOf(exchangeId)).toBe(1);
    } finally {
      await restarted.close(0);
    }
    await captured(exchangeId, 100);
  });

  it('a changed port moves the simulated provider, and changes nothing else', async () => {
    const path = '/exchange/v1/providers/sim-pay';
    const before = await service.call('GET', path);
    await register('http://127.0.0.1:1/sim-pay');
    expect((await service.call('GET', path)).body).toEqual({ ...before.body, baseUrl: 'http://127.0.0.1:1/sim-pay' });
    await register(baseUrl);
    await register(baseUrl);
    expect((await service.call('GET', path)).body).toEqual(before.body);
  });
});
