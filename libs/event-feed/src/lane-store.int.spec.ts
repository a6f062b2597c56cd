import { testDatabase } from '@tsunagu/testing';
import type { FeedMessage } from './contract.js';
import { LaneStore, wholeLog } from './lane-store.js';
import { LogFeed } from './log-feed.js';
import { partitionOf } from './message.js';
import { feedStatus } from './status.js';
import { openBench } from './suite/bench.js';
import { appendClaims, group, isSorted, person, RecordingConsumer, topic, until } from './suite/claims.js';
import { type FeedBench, suiteTuning } from './suite/feed-suite.js';

const now = '2026-11-20T01:00:00.000Z';

describe('LaneStore', () => {
  let bench: Omit<FeedBench, 'openFeed'>;
  let store: LaneStore;
  beforeEach(async () => {
    bench = await openBench(testDatabase);
    store = new LaneStore(bench.database, group, topic);
  });
  afterEach(() => bench.close());

  const oneLane = async (partition: number = wholeLog) => {
    const [lane] = await store.load(0, [partition]);
    if (!lane) throw new Error('no lane');
    return lane;
  };
  const firstMessage = async (): Promise<FeedMessage> => {
    await appendClaims(bench.log, [person(1)]);
    const { events } = await bench.log.readLog({ after: 0, limit: 10, types: ['ClaimAccepted'] });
    const [event] = events;
    if (!event) throw new Error('no event');
    return { ...event, topic, key: person(1) };
  };

  it('refuses a worker that has lost the lane, and stores nothing of what it parked', async () => {
    const message = await firstMessage();
    const mine = await oneLane();
    const theirs = await oneLane();
    expect(await store.save([{ ...theirs, position: 5 }], [], now)).toEqual([]);

    const late = { ...mine, position: 2 };
    const parked = [{ message, state: 'dead' as const, error: new Error('fails'), attempts: 3 }];
    expect(await store.save([late], parked, now)).toEqual([late]);
    expect(await store.save([late], [], now)).toEqual([late]);
    expect(await store.settle(late, message.key, [], [], now)).toBe(false);
    expect((await oneLane()).position).toBe(5);
    expect((await feedStatus(bench.database)).deadLetterCount).toBe(0);
  });

  it('starts a new partition where the whole log stands, with the blocked keys that are its own', async () => {
    const message = await firstMessage();
    const lane = await oneLane();
    await store.save([{ ...lane, position: 40 }], [{ message, state: 'dead', error: 'fails', attempts: 1 }], now);
    const own = partitionOf(message.key);
    expect(await oneLane(own)).toMatchObject({ position: 40, blocked: new Set([message.key]) });
    expect(await oneLane((own + 1) % 48)).toMatchObject({ position: 40, blocked: new Set() });
  });

  it('stores of an error its class and code, never its message', async () => {
    const message = await firstMessage();
    const error = Object.assign(new RangeError('born 1990-04-01'), { code: 'ledger.unknown_fund' });
    await store.save([await oneLane()], [{ message, state: 'dead', error, attempts: 3 }], now);
    const rows = await bench.database.query('SELECT * FROM dead_letters');
    expect(rows.rows[0]).toMatchObject({
      error_class: 'RangeError',
      error_code: 'ledger.unknown_fund',
      owner_id: 'demo',
      attempts: 3,
    });
    expect(JSON.stringify(rows.rows)).not.toContain('1990');
  });

  it('lets two workers on one lane lose nothing', async () => {
    const consumers = [new RecordingConsumer(), new RecordingConsumer()] as const;
    const feeds = consumers.map(
      () => new LogFeed({ sources: new Map([[topic, [bench.log]]]), positions: bench.database, tuning: suiteTuning }),
    );
    await Promise.all(
      feeds.map((feed, i) => feed.subscribe({ topic, group, handle: (b) => consumers[i % 2 ? 1 : 0].handle(b) })),
    );
    for (let round = 0; round < 20; round++) {
      await appendClaims(
        bench.log,
        Array.from({ length: 50 }, (_, i) => person(i % 10)),
      );
    }
    const done = () => new Set(consumers.flatMap((consumer) => consumer.done.map((message) => message.position)));
    await until(
      () => done().size === 1_000,
      () => `${done().size} of 1000`,
    );
    for (const consumer of consumers) expect([...consumer.positionsByKey().values()].every(isSorted)).toBe(true);
    await Promise.all(feeds.map((feed) => feed.close()));
    expect((await oneLane()).position).toBe(await bench.log.head());
  });
});
