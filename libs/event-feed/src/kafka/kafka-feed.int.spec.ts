import { partitionCount } from '@tsunagu/contracts';
import { testDatabase } from '@tsunagu/testing';
import { partitionOf } from '../message.js';
import { feedMetrics } from '../metrics.js';
import {
  appendClaims,
  group,
  isSorted,
  person,
  RecordingConsumer,
  suiteLimitMs,
  topic,
  until,
} from '../suite/claims.js';
import { feedSuite } from '../suite/feed-suite.js';
import { type KafkaBench, kafkaLeftOut, openKafkaBench, SuiteBroker } from '../suite/kafka-bench.js';
import type { KafkaFeed, KafkaFeedParts } from './kafka-feed.js';
import { ensureTopic } from './kafkajs.js';
import { WrongPartitionCount } from './settings.js';
import type { IncomingMessage } from './wire.js';

const leftOut = await kafkaLeftOut();
if (leftOut) {
  process.stderr.write(`KafkaFeed suite left out: ${leftOut}\n`);
  it.skip(`KafkaFeed left out: ${leftOut}`, () => undefined);
} else {
  const broker = new SuiteBroker();
  beforeAll(() => broker.start(), 400_000);
  afterAll(() => broker.remove(), 30_000);

  feedSuite('KafkaFeed', () => openKafkaBench(broker, testDatabase));
  kafkaSuite(broker);
}

function kafkaSuite(broker: SuiteBroker): void {
  describe('KafkaFeed', () => {
    let bench: KafkaBench;
    let feed: KafkaFeed;
    let consumer: RecordingConsumer;

    const open = async (parts: Partial<KafkaFeedParts> = {}, by = consumer) => {
      const opened = bench.openFeed(parts);
      await opened.subscribe({ topic, group, handle: by.handle });
      return opened;
    };
    const allDone = (count: number, limitMs?: number) =>
      until(
        () => consumer.distinct() >= count,
        () => `${consumer.distinct()} of ${count} messages`,
        limitMs,
      );
    const claims = (count: number) => Array.from({ length: count }, (_, i) => person(i % 60));
    const inOrder = () => [...consumer.positionsByKey().values()].every(isSorted);
    const metric = async (name: 'filled' | 'restarts') =>
      (await feedMetrics(bench.registry)[name].get()).values[0]?.value ?? 0;

    beforeEach(async () => {
      bench = await openKafkaBench(broker, testDatabase);
      consumer = new RecordingConsumer();
    }, suiteLimitMs);
    afterEach(async () => {
      await feed?.close();
      await bench.close();
    }, suiteLimitMs);

    it(
      'loses and tears nothing when messages are dropped, doubled and shuffled',
      async () => {
        let seed = 1;
        const chance = () => {
          seed = (seed * 48_271) % 2_147_483_647;
          return seed / 2_147_483_647;
        };
        const tamper = (messages: readonly IncomingMessage[]) =>
          messages
            .flatMap((message) => (chance() < 0.3 ? [] : chance() < 0.3 ? [message, message] : [message]))
            .map((message) => ({ message, at: chance() }))
            .sort((a, b) => a.at - b.at)
            .map(({ message }) => message);
        feed = await open({ tamper });
        for (let round = 0; round < 5; round++) await appendClaims(bench.log, claims(400));
        await allDone(2_000);
        expect(inOrder()).toBe(true);
        expect(consumer.done).toHaveLength(2_000);
        expect(await metric('filled')).toBeGreaterThan(0);
      },
      suiteLimitMs,
    );

    it(
      'reads from the log what Kafka brings damaged or not at all',
      async () => {
        const tamper = (messages: readonly IncomingMessage[]) =>
          messages.map((message) =>
            message.value?.length === 2 ? message : { ...message, value: Buffer.from('{"log":0') },
          );
        feed = await open({ tamper });
        await appendClaims(bench.log, claims(1_500));
        await allDone(1_500);
        expect(inOrder()).toBe(true);
        expect(await metric('filled')).toBe(1_500);
      },
      suiteLimitMs,
    );

    it(
      'begins at the stored position, wherever Kafka thinks that it stands',
      async () => {
        feed = await open();
        await appendClaims(bench.log, claims(300));
        await allDone(300);
        await feed.close();
        await bench.database.query('UPDATE feed_positions SET position = 0');
        consumer.done.length = 0;
        feed = await open();
        await allDone(300);
        expect(inOrder()).toBe(true);
      },
      suiteLimitMs,
    );

    it(
      'takes what a relay sends twice only once',
      async () => {
        feed = await open();
        await appendClaims(bench.log, claims(300));
        await allDone(300);
        await bench.relay.close();
        await bench.database.query(
          `UPDATE relay_positions SET position = 0, previous = array_fill(0::bigint, ARRAY[${partitionCount}])`,
        );
        const relay = bench.newRelay();
        await relay.start();
        await appendClaims(bench.log, [person(1)]);
        await allDone(301);
        expect(consumer.done).toHaveLength(301);
      },
      suiteLimitMs,
    );

    it(
      'has one relay at work, and another that takes over in the middle',
      async () => {
        const relays = [bench.relay, bench.newRelay()];
        const active = () => relays.filter((relay) => relay.status().state === 'active');
        await until(() => active().length > 0);
        await relays[1]?.start();
        feed = await open();
        await appendClaims(bench.log, claims(500));
        await allDone(500);
        await until(() => active().length > 0);
        expect(active()).toHaveLength(1);
        const appending = appendClaims(bench.log, claims(1_000));
        await active()[0]?.close();
        await until(() => active().length === 1);
        await appending;
        await appendClaims(bench.log, claims(500));
        await allDone(2_000);
        expect(inOrder()).toBe(true);
        expect(consumer.done).toHaveLength(2_000);
      },
      suiteLimitMs,
    );

    it(
      'has one relay at work after the session that held the lock was cut, and nothing twice',
      async () => {
        const relays = [bench.relay, bench.newRelay()];
        await relays[1]?.start();
        const holder = `from pg_locks where locktype = 'advisory' and objsubid = 1 and granted
                         and database = (select oid from pg_database where datname = current_database())`;
        const pids = async () => (await bench.database.query<{ pid: number }>(`select pid ${holder}`)).rows;
        await until(async () => (await pids()).length === 1);
        const [before] = await pids();
        feed = await open();
        await appendClaims(bench.log, claims(500));
        const appending = appendClaims(bench.log, claims(1_000));
        await bench.database.query(`select pg_terminate_backend(pid, 10000) ${holder}`);
        // Whoever held it finds out at its next checkpoint and waits for the lock like any other.
        await until(async () => (await pids()).some(({ pid }) => pid !== before?.pid));
        await appending;
        await appendClaims(bench.log, claims(500));
        await allDone(2_000);
        await until(() => relays.filter((relay) => relay.status().state === 'active').length === 1);
        expect(await pids()).toHaveLength(1);
        expect(inOrder()).toBe(true);
        expect(consumer.done).toHaveLength(2_000);
      },
      suiteLimitMs,
    );

    it(
      'refuses a topic with another number of partitions',
      async () => {
        const kafka = { ...bench.kafka, prefix: `${bench.kafka.prefix}three.` };
        await ensureTopic(kafka, topic, 3);
        feed = bench.openFeed({ kafka });
        await expect(feed.subscribe({ topic, group, handle: consumer.handle })).rejects.toThrow(WrongPartitionCount);
      },
      suiteLimitMs,
    );

    it(
      'shares the partitions among members, and loses nothing when one leaves',
      async () => {
        const other = new RecordingConsumer();
        feed = await open();
        const second = await open({}, other);
        await until(async () => {
          await appendClaims(bench.log, claims(60));
          return consumer.done.length > 0 && other.done.length > 0;
        });
        await appendClaims(bench.log, claims(300));
        await second.close();
        await appendClaims(bench.log, claims(300));
        const total = (await bench.log.head()) / 2;
        const positions = () => new Set([...consumer.done, ...other.done].map((message) => message.position));
        await until(
          () => positions().size === total,
          () => `${positions().size} of ${total}`,
        );
        expect(inOrder()).toBe(true);
        expect([...other.positionsByKey().values()].every(isSorted)).toBe(true);
      },
      suiteLimitMs,
    );

    it(
      'starts a consumer anew that hears nothing in one partition',
      async () => {
        const silent = partitionOf(person(1));
        let deaf = true;
        const tamper = (messages: readonly IncomingMessage[]) =>
          messages.filter((message) => !deaf || message.partition !== silent);
        feed = await open({ tamper, silentMsMax: 2_000 });
        await appendClaims(bench.log, [person(1)]);
        await until(async () => (await metric('restarts')) > 0);
        expect(consumer.distinct()).toBe(0);
        deaf = false;
        await allDone(1);
      },
      suiteLimitMs,
    );

    it(
      'rests a partition that brings more than is worked off, and goes on with it',
      async () => {
        let release: () => void = () => undefined;
        const gate = new Promise<void>((resolve) => {
          release = resolve;
        });
        consumer.before = () => gate;
        feed = await open();
        await appendClaims(bench.log, Array(9_000).fill(person(1)));
        await until(async () => bench.relay.status().position === (await bench.log.head()));
        release();
        await allDone(9_000);
        expect(inOrder()).toBe(true);
      },
      suiteLimitMs,
    );

    it('goes on after the broker was away', async () => {
      feed = await open();
      await appendClaims(bench.log, claims(100));
      await allDone(100);
      await broker.stop();
      await appendClaims(bench.log, claims(100));
      await broker.start();
      await allDone(200, 150_000);
      expect(inOrder()).toBe(true);
    }, 180_000);

    it('stops within five seconds while the broker is away', async () => {
      feed = await open();
      await appendClaims(bench.log, claims(100));
      await allDone(100);
      await broker.stop();
      await appendClaims(bench.log, claims(100));
      const startedAt = performance.now();
      await Promise.all([feed.close(), bench.relay.close()]);
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      await broker.start();
    }, 180_000);
  });
}
