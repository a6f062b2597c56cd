import { topics } from '@tsunagu/contracts';
import { newId } from '@tsunagu/kernel';
import { createService, type RunningService } from '@tsunagu/service-host';
import { message } from '@tsunagu/service-host/testing';
import { pino } from 'pino';
import { definition } from './index.js';
import {
  accountAtProvider,
  type ExchangeStage,
  holdOf,
  lots,
  me,
  pointsHeld,
  startExchangeStage,
} from './test-exchange-stage.js';

let stage: ExchangeStage;
beforeAll(async () => {
  stage = await startExchangeStage();
});
afterAll(() => stage.close());
beforeEach(async () => {
  stage.broken.answer = undefined;
  await stage.faults('none');
});

describe('the ledger’s answers', () => {
  it('twice change nothing, and a hold of an unknown exchange is no message to be worked off', async () => {
    const { exchangeId } = await stage.exchange(100);
    await stage.until(exchangeId, 'ExchangeConfirmed');
    const holdId = holdOf(exchangeId);
    const data = { holdId, exchangeId, personId: me, providerId: 'sim-pay', points: 100, lots: lots(100) };
    const capture = message('HoldCaptured', data);
    await stage.service.deliver(topics.account, [capture, capture]);
    await stage.service.deliver(topics.account, [capture]);
    expect((await stage.typesOf(exchangeId)).filter((type) => type === 'ExchangeCaptured')).toHaveLength(1);
    const stranger = message('HoldCaptured', { ...data, exchangeId: newId(4) });
    await expect(stage.service.deliver(topics.account, [stranger])).rejects.toThrow('not known here');
  });

  it('that never arrived are asked for past their time, with an alarm', async () => {
    const answer = await stage.post(100);
    const { exchangeId } = answer.body;
    await stage.nextRequested();
    stage.holds[exchangeId] = pointsHeld(exchangeId, 100);
    stage.service.clock.forward(60_000);
    await stage.until(exchangeId, 'ExchangeConfirmed');
    expect(stage.service.logLines).toContainEqual(expect.objectContaining({ alarm: 'exchanges_overdue_at_ledger' }));
    await stage.captured(exchangeId, 100);
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
        clock: stage.service.clock,
        database: stage.service.pool,
        log: stage.service.log,
        feed: silent,
        questions: {
          ask: async <T>(_: string, path: string) => stage.links[path.replace('links/', '')] as T | undefined,
        },
        keyDirectory: stage.service.keyDirectory,
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
    const exchangeId = newId(stage.service.clock.now());
    const stream = `exchange-${exchangeId}`;
    const ids = { exchangeId, personId: me, providerId: 'sim-pay', points: 100 };
    const data: Record<string, object> = {
      ExchangeRequested: { ...ids, linkId: stage.freshLink(), payingOwnerIds: ['demo'] },
      ExchangeHeld: {
        exchangeId,
        holdId: holdOf(exchangeId),
        lots: lots(100),
        providerPoints: 100,
        parts: [{ ownerId: 'demo', points: 100, providerPoints: 100 }],
      },
      ExchangeSubmitted: { exchangeId, providerId: 'sim-pay' },
      ExchangeOutcomeUnknown: { exchangeId, why: 'timeout' },
    };
    const events = ['ExchangeRequested', ...steps.filter((step) => step !== 'credited')].map((type) => ({
      id: newId(stage.service.clock.now()),
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
      await stage.outside.pool.query(
        `insert into sim_pay.credits values ($1, $2, 100, 100, 'credited', nextval('sim_pay.credit_sequence'), 'SP9', now())`,
        [exchangeId, accountAtProvider],
      );
    }
    // The running process is told nothing: only a process that starts, or a sweep, looks at what is recorded.
    await stage.service.log.append([{ writes: [{ stream, expectedRevision: 'noStream', events }] }]);
    const restarted = await another();
    try {
      await stage.until(exchangeId, 'ExchangeConfirmed');
      expect(await stage.creditsOf(exchangeId)).toBe(1);
    } finally {
      await restarted.close(0);
    }
    await stage.captured(exchangeId, 100);
  });

  it('a changed port moves the simulated provider, and changes nothing else', async () => {
    const path = '/exchange/v1/providers/sim-pay';
    const before = await stage.service.call('GET', path);
    await stage.register('http://127.0.0.1:1/sim-pay');
    expect((await stage.service.call('GET', path)).body).toEqual({
      ...before.body,
      baseUrl: 'http://127.0.0.1:1/sim-pay',
    });
    await stage.register(stage.baseUrl);
    await stage.register(stage.baseUrl);
    expect((await stage.service.call('GET', path)).body).toEqual(before.body);
  });
});
