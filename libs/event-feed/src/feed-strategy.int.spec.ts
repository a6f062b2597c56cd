import 'reflect-metadata';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, type MicroserviceOptions, Payload } from '@nestjs/microservices';
import { testDatabase } from '@tsunagu/testing';
import type { FeedBatch } from './contract.js';
import { FeedStrategy, KeepFeedErrors } from './feed-strategy.js';
import { LogFeed } from './log-feed.js';
import { feedStatus } from './status.js';
import { openBench } from './suite/bench.js';
import { appendClaims, group, person, RecordingConsumer, topic, until } from './suite/claims.js';
import { type FeedBench, suiteTuning } from './suite/feed-suite.js';

const consumer = new RecordingConsumer();

@Controller()
class ClaimsConsumer {
  @EventPattern(topic)
  async onClaims(@Payload() batch: FeedBatch): Promise<void> {
    await consumer.handle(batch);
  }
}

@Module({ controllers: [ClaimsConsumer] })
class ConsumerModule {}

describe('FeedStrategy', () => {
  let bench: Omit<FeedBench, 'openFeed'>;
  let feed: LogFeed;
  let app: INestMicroservice;
  let strategy: FeedStrategy;

  beforeEach(async () => {
    bench = await openBench(testDatabase);
    feed = new LogFeed({ sources: new Map([[topic, [bench.log]]]), positions: bench.database, tuning: suiteTuning });
    strategy = new FeedStrategy(feed, group);
    app = await NestFactory.createMicroservice<MicroserviceOptions>(ConsumerModule, { strategy, logger: false });
    app.useGlobalFilters(new KeepFeedErrors());
    consumer.done.length = 0;
    consumer.before = () => undefined;
  });
  afterEach(async () => {
    await app.close();
    await feed.close();
    await bench.close();
  });

  it('hands whole batches to the controller and shows its subscriptions', async () => {
    await appendClaims(bench.log, [person(1), person(2), person(3)]);
    await app.listen();
    await until(() => consumer.distinct() === 3);
    expect(consumer.batchSizes).toContain(3);
    const [running] = strategy.subscriptions();
    expect(running).toMatchObject({ topic, group });
    await until(async () => (await running?.subscription.positions())?.get(0) === 6);
  });

  it('counts a batch as done only when the handler has ended well, and keeps outage and error apart', async () => {
    let calls = 0;
    consumer.before = (batch) => {
      calls += 1;
      if (calls <= 3) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
      if (batch.some((message) => message.key === person(2))) throw new RangeError('cannot be worked off');
    };
    await appendClaims(bench.log, [person(1), person(2), person(3)]);
    await app.listen();
    await until(async () => (await feedStatus(bench.database)).deadLetterCount === 1);
    await until(() => consumer.distinct() === 2);
    const [letter] = (await feedStatus(bench.database)).deadLetters;
    expect(letter).toMatchObject({ key: person(2), errorClass: 'RangeError' });
    expect(calls).toBeGreaterThan(3);
  });

  it('stops the consumer with the app and leaves the feed to its owner', async () => {
    await app.listen();
    await app.close();
    await appendClaims(bench.log, [person(1)]);
    const other = new RecordingConsumer();
    await feed.subscribe({ topic, group: 'another', handle: other.handle });
    await until(() => other.distinct() === 1);
    expect(consumer.done).toEqual([]);
  });
});
