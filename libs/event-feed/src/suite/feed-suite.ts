import type { EventLog } from '@tsunagu/event-store';
import type { Pool } from 'pg';
import { type Feed, UnprocessableMessage } from '../contract.js';
import { failuresInARowMax } from '../deliver.js';
import { feedStatus, redrive } from '../status.js';
import type { Tuning } from '../worker.js';
import { appendClaims, group, isSorted, person, RecordingConsumer, suiteLimitMs, topic, until } from './claims.js';

/** One producer's log and one consumer's database, with a feed between them. */
export interface FeedBench {
  readonly log: EventLog;
  readonly database: Pool;
  /** Opens the feed again on the same positions, as after a restart. */
  openFeed(): Feed;
  close(): Promise<void>;
}

/** So quick that a suite need not wait long; the order of things stays. */
export const suiteTuning: Tuning = {
  outagePauseMsFirst: 10,
  outagePauseMsMax: 50,
  retryPausesMs: [1, 1],
  redrivePollMs: 20,
};

/** What every feed does, whatever carries the messages. */
export function feedSuite(name: string, open: () => Promise<FeedBench>): void {
  describe(`${name}: every feed`, () => {
    let bench: FeedBench;
    let feed: Feed;
    let consumer: RecordingConsumer;

    const subscribe = () => feed.subscribe({ topic, group, handle: consumer.handle });
    const allDone = (count: number) =>
      until(
        () => consumer.distinct() >= count,
        () => `${consumer.distinct()} of ${count} messages`,
      );
    const lettersAre = (dead: number, waiting: number) =>
      until(
        async () => {
          const status = await feedStatus(bench.database);
          return status.deadLetterCount === dead && status.waitingCount === waiting;
        },
        () => `${dead} dead, ${waiting} waiting`,
      );
    const restart = async () => {
      await feed.close();
      feed = bench.openFeed();
      await subscribe();
    };

    beforeEach(async () => {
      bench = await open();
      feed = bench.openFeed();
      consumer = new RecordingConsumer();
    }, suiteLimitMs);
    afterEach(async () => {
      await feed.close();
      await bench.close();
    }, suiteLimitMs);

    it(
      'brings every published message, in order per key, in batches of at most 1,000',
      async () => {
        const persons = Array.from({ length: 2_500 }, (_, i) => person(i % 100));
        await appendClaims(bench.log, persons);
        await subscribe();
        await allDone(2_500);
        await appendClaims(bench.log, persons.slice(0, 10));
        await allDone(2_510);

        expect(new Set(consumer.done.map((message) => message.type))).toEqual(new Set(['ClaimAccepted']));
        expect(consumer.done.every((message) => message.topic === topic)).toBe(true);
        expect([...consumer.positionsByKey().values()].every(isSorted)).toBe(true);
        expect(Math.max(...consumer.batchSizes)).toBeLessThanOrEqual(1_000);
      },
      suiteLimitMs,
    );

    it(
      'pauses for an outage and brings the same again, with nothing dead-lettered',
      async () => {
        let failures = 0;
        consumer.before = () => {
          failures += 1;
          if (failures <= 5) throw Object.assign(new Error('no connection'), { code: 'ECONNREFUSED' });
        };
        await appendClaims(bench.log, [person(1), person(2), person(1)]);
        await subscribe();
        await allDone(3);
        expect(failures).toBeGreaterThan(5);
        expect(isSorted(consumer.positionsOf(person(1)))).toBe(true);
        expect((await feedStatus(bench.database)).deadLetterCount).toBe(0);
      },
      suiteLimitMs,
    );

    it(
      'goes on after its own database was cut off in the middle',
      async () => {
        await appendClaims(bench.log, [person(1)]);
        await subscribe();
        await allDone(1);
        let cut = false;
        consumer.before = async () => {
          if (cut) return;
          cut = true;
          await bench.database
            .query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()')
            .catch(() => undefined);
        };
        await appendClaims(bench.log, [person(1), person(2)]);
        await allDone(3);
        expect(isSorted(consumer.positionsOf(person(1)))).toBe(true);
      },
      suiteLimitMs,
    );

    it(
      'dead-letters the one message that fails, lets its key wait and the others go on, and re-drives in order',
      async () => {
        let healed = false;
        const poisoned = person(7);
        consumer.before = (batch) => {
          if (!healed && batch.some((message) => message.key === poisoned)) throw new Error('cannot be worked off');
        };
        const persons = Array.from({ length: 300 }, (_, i) => person(i % 100));
        await appendClaims(bench.log, persons);
        await subscribe();
        await allDone(297);
        await lettersAre(1, 2);
        await appendClaims(bench.log, [poisoned, person(8)]);
        await allDone(298);
        await lettersAre(1, 3);

        expect(consumer.positionsOf(poisoned)).toEqual([]);
        const [letter] = (await feedStatus(bench.database)).deadLetters;
        expect(letter).toMatchObject({ group, topic, key: poisoned, state: 'dead', errorClass: 'Error', attempts: 3 });

        await redrive(bench.database, { group });
        await until(async () => (await feedStatus(bench.database)).deadLetters[0]?.attempts === 6);
        await lettersAre(1, 3);

        healed = true;
        expect(await redrive(bench.database, { group, key: poisoned })).toBe(4);
        await lettersAre(0, 0);
        expect(consumer.positionsOf(poisoned)).toHaveLength(4);
        expect(isSorted(consumer.positionsOf(poisoned))).toBe(true);
        await appendClaims(bench.log, [poisoned]);
        await until(() => consumer.positionsOf(poisoned).length === 5);
      },
      suiteLimitMs,
    );

    it(
      'remembers a blocked key over a restart',
      async () => {
        const poisoned = person(7);
        consumer.before = (batch) => {
          const culprit = batch.find((message) => message.key === poisoned);
          if (culprit) throw new UnprocessableMessage(culprit.id, 'never');
        };
        await appendClaims(bench.log, [person(1), poisoned]);
        await subscribe();
        await lettersAre(1, 0);
        consumer.before = () => undefined;
        await restart();
        await appendClaims(bench.log, [poisoned, person(2)]);
        await allDone(2);
        await lettersAre(1, 1);
        expect(consumer.positionsOf(poisoned)).toEqual([]);
        await redrive(bench.database, { group, topic });
        await lettersAre(0, 0);
        expect(isSorted(consumer.positionsOf(poisoned))).toBe(true);
        expect(consumer.positionsOf(poisoned)).toHaveLength(2);
      },
      suiteLimitMs,
    );

    it(
      'dead-letters a message of a version newer than this release knows, and goes on with the others',
      async () => {
        const newer = 2;
        await appendClaims(bench.log, [person(1)], {}, newer);
        await appendClaims(bench.log, [person(1), person(2)]);
        await subscribe();
        await allDone(1);
        await lettersAre(1, 1);
        expect(consumer.done.map((message) => message.key)).toEqual([person(2)]);
        const [letter] = (await feedStatus(bench.database)).deadLetters;
        expect(letter).toMatchObject({ errorClass: 'UnknownVersion', errorCode: 'event.version_unknown', attempts: 1 });
      },
      suiteLimitMs,
    );

    it(
      'does not give out a message that breaks its schema',
      async () => {
        await appendClaims(bench.log, [person(1)]);
        await appendClaims(bench.log, [person(2)], { amountPoints: 'many' });
        await appendClaims(bench.log, [person(1), person(2)]);
        await subscribe();
        await allDone(2);
        await lettersAre(1, 1);
        const [letter] = (await feedStatus(bench.database)).deadLetters;
        expect(letter).toMatchObject({ errorClass: 'SchemaInvalid', errorCode: 'feed.schema_invalid', attempts: 1 });
        expect(consumer.positionsOf(person(2))).toEqual([]);
      },
      suiteLimitMs,
    );

    it(
      'pauses when everything fails: that is no error of a message',
      async () => {
        let broken = true;
        let failures = 0;
        consumer.before = () => {
          if (!broken) return;
          failures += 1;
          throw new TypeError('a bug');
        };
        await appendClaims(
          bench.log,
          Array.from({ length: 200 }, (_, i) => person(i)),
        );
        await subscribe();
        await until(() => failures > 400);
        expect((await feedStatus(bench.database)).deadLetterCount).toBeLessThan(failuresInARowMax);
        broken = false;
        await until(() => consumer.distinct() > 200 - failuresInARowMax);
        await redrive(bench.database, { group });
        await allDone(200);
        await lettersAre(0, 0);
      },
      suiteLimitMs,
    );

    it(
      'goes on after a restart where it had stopped',
      async () => {
        const subscription = await subscribe();
        await appendClaims(
          bench.log,
          Array.from({ length: 50 }, (_, i) => person(i)),
        );
        await allDone(50);
        await subscription.close();
        await feed.close();
        const doneBefore = consumer.done.length;
        await appendClaims(bench.log, [person(1), person(2)]);
        feed = bench.openFeed();
        await subscribe();
        await allDone(52);
        expect(consumer.done.slice(doneBefore).map((message) => message.key)).toEqual(
          expect.arrayContaining([person(1), person(2)]),
        );
        expect(consumer.done).toHaveLength(52);
      },
      suiteLimitMs,
    );

    it(
      'waits for the batch at hand when it closes',
      async () => {
        let started = false;
        let release: () => void = () => undefined;
        consumer.before = () => {
          started = true;
          return new Promise((resolve) => {
            release = resolve;
          });
        };
        await appendClaims(bench.log, [person(1)]);
        await subscribe();
        await until(() => started);
        const closing = feed.close();
        release();
        await closing;
        expect(consumer.distinct()).toBe(1);
        consumer.before = () => undefined;
        feed = bench.openFeed();
        await subscribe();
        await appendClaims(bench.log, [person(2)]);
        await allDone(2);
        expect(consumer.done).toHaveLength(2);
      },
      suiteLimitMs,
    );
  });
}
