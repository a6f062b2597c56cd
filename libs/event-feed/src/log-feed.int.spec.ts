import { testDatabase } from '@tsunagu/testing';
import type { FeedBatch } from './contract.js';
import { LogFeed } from './log-feed.js';
import { openBench } from './suite/bench.js';
import { appendClaims, person, topic } from './suite/claims.js';
import { feedSuite, suiteTuning } from './suite/feed-suite.js';

feedSuite('LogFeed', async () => {
  const bench = await openBench(testDatabase);
  return {
    ...bench,
    openFeed: () =>
      new LogFeed({ sources: new Map([[topic, [bench.log]]]), positions: bench.database, tuning: suiteTuning }),
  };
});

describe('LogFeed', () => {
  it('refuses a topic whose log it does not know', async () => {
    const bench = await openBench(testDatabase);
    const feed = new LogFeed({ sources: new Map(), positions: bench.database });
    await expect(feed.subscribe({ topic, group: 'campaign', handle: async () => undefined })).rejects.toThrow(topic);
    await bench.close();
  });

  it('follows every log of a producer, each from its own position', async () => {
    const [zero, one] = [await openBench(testDatabase), await openBench(testDatabase, 1)];
    const came: { log: number; position: number; key: string }[] = [];
    const open = async () => {
      const sources = new Map([[topic, [zero.log, one.log]]]);
      const feed = new LogFeed({ sources, positions: zero.database, tuning: suiteTuning });
      const handle = async (batch: FeedBatch) => void came.push(...batch);
      return { feed, subscription: await feed.subscribe({ topic, group: 'point-ledger', handle }) };
    };
    const arrived = async (count: number) => {
      while (came.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    const first = await open();
    await Promise.all([appendClaims(zero.log, [person(1), person(2)]), appendClaims(one.log, [person(3)])]);
    await arrived(3);
    await appendClaims(one.log, [person(4), person(3)]);
    await arrived(5);
    await first.feed.close();
    // Internal events lie between the claims, so a claim stands at every second position.
    expect(await first.subscription.positions()).toEqual(
      new Map([
        [0, 4],
        [1, 6],
      ]),
    );
    await Promise.all([appendClaims(zero.log, [person(5)]), appendClaims(one.log, [person(6)])]);
    const second = await open();
    await arrived(7);
    await second.feed.close();
    const of = (log: number) => came.filter((message) => message.log === log).map(({ key }) => key);
    expect(of(0)).toEqual([1, 2, 5].map(person));
    expect(of(1)).toEqual([3, 4, 3, 6].map(person));
    await Promise.all([zero.close(), one.close()]);
  });
});
