import { testDatabase } from '@tsunagu/testing';
import { LogFeed } from './log-feed.js';
import { openBench } from './suite/bench.js';
import { topic } from './suite/claims.js';
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
});
