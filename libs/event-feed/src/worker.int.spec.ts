import { testDatabase } from '@tsunagu/testing';
import fc from 'fast-check';
import type { FeedBatch } from './contract.js';
import { LogFeed } from './log-feed.js';
import { feedStatus } from './status.js';
import { openBench } from './suite/bench.js';
import { appendClaims, group, isSorted, person, RecordingConsumer, topic, until } from './suite/claims.js';
import { suiteTuning } from './suite/feed-suite.js';

const outage = () => Object.assign(new Error('no connection'), { code: 'ECONNREFUSED' });
const persons = (count: number, keys: number) => Array.from({ length: count }, (_, n) => person(n % keys));

/** Each call waits until it is let go, in whatever order. */
class Gates {
  readonly waiting: ((error?: Error) => void)[] = [];
  readonly hold = () =>
    new Promise<void>((resolve, reject) => this.waiting.push((error) => (error ? reject(error) : resolve())));
}

describe('FeedWorker under load', () => {
  let bench: Awaited<ReturnType<typeof openBench>>;
  let feed: LogFeed;
  let consumer: RecordingConsumer;
  let underWay: FeedBatch[];
  let mostUnderWay: number;
  let keysTwiceUnderWay: string[];

  const handle = async (batch: FeedBatch) => {
    const keys = new Set(underWay.flatMap((other) => other.map(({ key }) => key)));
    keysTwiceUnderWay.push(...batch.map(({ key }) => key).filter((key) => keys.has(key)));
    underWay.push(batch);
    mostUnderWay = Math.max(mostUnderWay, underWay.length);
    try {
      await consumer.handle(batch);
    } finally {
      underWay.splice(underWay.indexOf(batch), 1);
    }
  };
  const subscribe = async () => {
    feed = new LogFeed({ sources: new Map([[topic, [bench.log]]]), positions: bench.database, tuning: suiteTuning });
    return feed.subscribe({ topic, group, handle });
  };
  const storedPosition = async () => {
    const found = await bench.database.query<{ position: number }>('SELECT position::int FROM feed_positions');
    return found.rows[0]?.position;
  };

  beforeEach(async () => {
    bench = await openBench(testDatabase);
    consumer = new RecordingConsumer();
    underWay = [];
    mostUnderWay = 0;
    keysTwiceUnderWay = [];
  });
  afterEach(async () => {
    consumer.before = () => undefined;
    await feed.close();
    await bench.close();
  });

  it('gives out the next batch while one is under way, and stores them in order', async () => {
    // An internal event lies before each claim.
    await appendClaims(bench.log, persons(3_000, 3_000));
    const gates = new Gates();
    consumer.before = gates.hold;
    const subscription = await subscribe();
    await until(() => gates.waiting.length === 2);
    gates.waiting[1]?.();
    await until(() => consumer.distinct() === consumer.batchSizes[1]);
    expect(await storedPosition()).toBe(0);
    expect(await subscription.positions()).toEqual(new Map([[0, 0]]));
    consumer.before = () => undefined;
    gates.waiting[0]?.();
    await until(async () => (await storedPosition()) === 6_000);
    expect(consumer.done.length).toBe(3_000);
    expect(mostUnderWay).toBe(2);
  });

  it('lets a batch wait that shares a key with the one under way', async () => {
    await appendClaims(bench.log, persons(2_500, 700));
    await subscribe();
    await until(() => consumer.distinct() === 2_500);
    expect(mostUnderWay).toBe(1);
    expect(consumer.done.length).toBe(2_500);
  });

  it('brings a batch again whose predecessor failed, after that one', async () => {
    await appendClaims(bench.log, persons(2_000, 2_000));
    const gates = new Gates();
    consumer.before = gates.hold;
    await subscribe();
    await until(() => gates.waiting.length === 2);
    gates.waiting[1]?.();
    await until(() => consumer.distinct() === consumer.batchSizes[1]);
    consumer.before = () => undefined;
    gates.waiting[0]?.(outage());
    await until(async () => (await storedPosition()) === 4_000);
    expect(consumer.distinct()).toBe(2_000);
    expect(consumer.done.length).toBe(2_000 + (consumer.batchSizes[1] ?? 0));
    expect((await feedStatus(bench.database)).deadLetterCount).toBe(0);
  });

  it('waits for both batches when it closes, and stores both', async () => {
    await appendClaims(bench.log, persons(2_500, 2_500));
    const gates = new Gates();
    consumer.before = gates.hold;
    await subscribe();
    await until(() => gates.waiting.length === 2);
    const closing = feed.close();
    for (const release of gates.waiting) release();
    await closing;
    expect(consumer.batchSizes.length).toBe(2);
    expect(await storedPosition()).toBe(2 * consumer.done.length);
  });

  it('leaves to another worker what that one has moved on, and follows it', async () => {
    await appendClaims(bench.log, persons(2_000, 2_000));
    const gates = new Gates();
    consumer.before = gates.hold;
    await subscribe();
    await until(() => gates.waiting.length === 2);
    await bench.database.query('UPDATE feed_positions SET position = 10, revision = revision + 1');
    consumer.before = () => undefined;
    for (const release of gates.waiting) release();
    await until(async () => (await storedPosition()) === 4_000);
    expect(consumer.distinct()).toBe(2_000);
    // What lies behind the other worker's position came once more.
    const [first = 0, second = 0] = consumer.batchSizes;
    expect(consumer.done.length).toBe(first + second + 1_995);
  });

  it('loses nothing and keeps the order of each key, whatever fails in between', async () => {
    const failures = fc.array(fc.constantFrom('none', 'none', 'none', 'outage', 'poison', 'slow'), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(failures, fc.integer({ min: 200, max: 2_500 }), async (plan, keys) => {
        const own = await openBench(testDatabase);
        const seen = new RecordingConsumer();
        const left = [...plan];
        const poisoned = new Set<string>();
        underWay = [];
        seen.before = async (batch) => {
          if (batch.some(({ key }) => poisoned.has(key))) throw new Error('cannot be worked off');
          const next = left.shift();
          if (next === 'slow') await new Promise((resolve) => setTimeout(resolve, 10));
          if (next === 'outage') throw outage();
          if (next === 'poison' && batch[0] && poisoned.size < 3) poisoned.add(batch[0].key);
        };
        consumer = seen;
        const sources = new Map([[topic, [own.log]]]);
        const running = new LogFeed({ sources, positions: own.database, tuning: suiteTuning });
        try {
          await appendClaims(own.log, persons(2_500, keys));
          await running.subscribe({ topic, group, handle });
          const waits = async () => {
            const { deadLetterCount, waitingCount } = await feedStatus(own.database);
            return deadLetterCount + waitingCount;
          };
          await until(async () => seen.distinct() + (await waits()) >= 2_500);
          await until(async () => {
            const found = await own.database.query<{ position: number }>('SELECT position::int FROM feed_positions');
            return found.rows[0]?.position === 5_000;
          });
          expect([...seen.positionsByKey().values()].every(isSorted)).toBe(true);
          expect(keysTwiceUnderWay).toEqual([]);
        } finally {
          await running.close();
          await own.close();
        }
      }),
      { numRuns: 12 },
    );
    // Twelve databases and 30,000 events: half a minute where a disk is slow.
  }, 120_000);
});
