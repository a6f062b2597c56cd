import { typesOf } from '@tsunagu/contracts';
import type { EventLog } from '@tsunagu/event-store';
import type { Clock } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import type { Feed, FeedBatch, FeedSubscription } from './contract.js';
import { type Lane, LaneStore, wholeLog } from './lane-store.js';
import { batchSizeMax, type FeedLogger, toMessage } from './message.js';
import { feedMetrics } from './metrics.js';
import { defaultTuning, FeedWorker, type Intake, type Portion, type Tuning } from './worker.js';

export interface LogFeedParts {
  /** The producers' logs, by topic. */
  readonly sources: ReadonlyMap<string, EventLog>;
  /** The consuming service's own database: feed_positions and dead_letters lie in its schema. */
  readonly positions: Pool;
  readonly logger?: FeedLogger;
  readonly registry?: Registry;
  readonly clock?: Clock;
  readonly tuning?: Partial<Tuning>;
}

/** The feed of the embedded topology: follows the producers' logs directly, one position a log. */
export class LogFeed implements Feed {
  private readonly subscriptions: FeedSubscription[] = [];

  constructor(private readonly parts: LogFeedParts) {}

  /** Rejects when the topic has no source, or the consumer's position cannot be read. */
  async subscribe(subscription: {
    topic: string;
    group: string;
    handle(batch: FeedBatch): Promise<void>;
  }): Promise<FeedSubscription> {
    const { topic, group, handle } = subscription;
    const source = this.parts.sources.get(topic);
    if (!source) throw new Error(`no log is known for ${topic}`);
    const store = new LaneStore(this.parts.positions, group, topic);
    const [lane] = await store.load(source.log, [wholeLog]);
    if (!lane) throw new Error(`no position of ${group} in ${topic}`);

    const intake = new LogIntake(source, topic, lane);
    const worker = new FeedWorker({
      store,
      intake,
      handle,
      catchUp: (_topic, after, limit) => source.readLog({ after, limit, types: typesOf(topic), form: 'recorded' }),
      metrics: feedMetrics(this.parts.registry),
      logger: this.parts.logger,
      clock: this.parts.clock,
      tuning: { ...defaultTuning, ...this.parts.tuning },
    });
    intake.stopped = worker.stopped;
    worker.start();
    const running: FeedSubscription = {
      positions: async () => new Map([[lane.log, lane.position]]),
      close: () => worker.close(),
    };
    this.subscriptions.push(running);
    return running;
  }

  async close(): Promise<void> {
    await Promise.all(this.subscriptions.splice(0).map((subscription) => subscription.close()));
  }
}

class LogIntake implements Intake {
  stopped: AbortSignal | undefined;
  private readonly types: readonly string[];
  private head = 0;

  constructor(
    private readonly source: EventLog,
    private readonly topic: string,
    private readonly lane: Lane,
  ) {
    this.types = typesOf(topic);
  }

  lanes(): readonly Lane[] {
    return [this.lane];
  }

  async next(waitMs: number): Promise<readonly Portion[]> {
    const after = this.lane.position;
    if (!(await this.source.waitForAppend(after, waitMs, this.stopped))) return [];
    const slice = await this.source.readLog({ after, limit: batchSizeMax, types: this.types, form: 'recorded' });
    // The store never cuts a request, so a slice may hold more than a batch; the rest comes with the next one.
    const events = slice.events.slice(0, batchSizeMax);
    const last = events.at(-1);
    const through = events.length < slice.events.length && last ? last.position : slice.through;
    this.head = Math.max(this.head, slice.through);
    if (through <= after) return [];
    return [{ lane: this.lane, messages: events.map((event) => toMessage(event, this.topic)), through }];
  }

  lag(): number {
    return Math.max(0, this.head - this.lane.position);
  }
}
