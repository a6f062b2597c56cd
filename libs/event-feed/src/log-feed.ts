import { typesOf } from '@tsunagu/contracts';
import type { EventLog } from '@tsunagu/event-store';
import type { Clock } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import type { Feed, FeedBatch, FeedSubscription } from './contract.js';
import { type Lane, LaneStore, wholeLog } from './lane-store.js';
import { batchSizeMax, type FeedLogger, toMessage } from './message.js';
import { feedMetrics } from './metrics.js';
import { FeedInterrupted } from './outage.js';
import { defaultTuning, FeedWorker, type Intake, type Portion, type Tuning } from './worker.js';

export interface LogFeedParts {
  /** The producers' logs, by topic: every log of each producer. */
  readonly sources: ReadonlyMap<string, readonly EventLog[]>;
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
    const sources = this.parts.sources.get(topic);
    if (!sources) throw new Error(`no log is known for ${topic}`);
    const store = new LaneStore(this.parts.positions, group, topic);
    const followed: Followed[] = [];
    for (const source of sources) {
      const [lane] = await store.load(source.log, [wholeLog]);
      if (!lane) throw new Error(`no position of ${group} in ${topic}`);
      followed.push({ source, lane, head: 0 });
    }

    const intake = new LogIntake(followed, topic);
    const worker = new FeedWorker({
      store,
      intake,
      handle,
      catchUp: (_topic, after, limit, log) =>
        sourceOf(sources, log).readLog({ after, limit, types: typesOf(topic), form: 'recorded' }),
      metrics: feedMetrics(this.parts.registry),
      logger: this.parts.logger,
      clock: this.parts.clock,
      tuning: { ...defaultTuning, ...this.parts.tuning },
    });
    intake.stopped = worker.stopped;
    worker.start();
    const running: FeedSubscription = {
      positions: async () => new Map(followed.map(({ lane }) => [lane.log, lane.position])),
      close: () => worker.close(),
    };
    this.subscriptions.push(running);
    return running;
  }

  async close(): Promise<void> {
    await Promise.all(this.subscriptions.splice(0).map((subscription) => subscription.close()));
  }
}

interface Followed {
  readonly source: EventLog;
  readonly lane: Lane;
  /** How far the log is known to go. */
  head: number;
}

class LogIntake implements Intake {
  stopped: AbortSignal | undefined;
  private readonly types: readonly string[];
  private turn = 0;

  constructor(
    private readonly followed: readonly Followed[],
    private readonly topic: string,
  ) {
    this.types = typesOf(topic);
  }

  lanes(): readonly Lane[] {
    return this.followed.map(({ lane }) => lane);
  }

  /** A portion of each log that has gone on, a batch in all; the logs take turns at being the first. */
  async next(waitMs: number): Promise<readonly Portion[]> {
    const portions: Portion[] = [];
    let room = batchSizeMax;
    const ready = await this.whichWentOn(waitMs);
    this.turn += 1;
    for (let index = 0; index < ready.length && room > 0; index += 1) {
      const one = ready[(index + this.turn) % ready.length];
      const portion = one && (await this.portionOf(one, room));
      if (!portion) continue;
      portions.push(portion);
      room -= portion.messages.length;
    }
    return portions;
  }

  lag(): number {
    return this.followed.reduce((sum, { head, lane }) => sum + Math.max(0, head - lane.position), 0);
  }

  private async portionOf(one: Followed, room: number): Promise<Portion | undefined> {
    const { source, lane } = one;
    const after = lane.taken;
    const slice = await source.readLog({ after, limit: room, types: this.types, form: 'recorded', follows: true });
    // The store never cuts a request, so a slice may hold more than a batch; the rest comes with the next one.
    const events = slice.events.slice(0, room);
    const last = events.at(-1);
    const through = events.length < slice.events.length && last ? last.position : slice.through;
    one.head = Math.max(one.head, slice.through);
    if (through <= after) return undefined;
    return { lane, messages: events.map((event) => toMessage(event, this.topic)), through };
  }

  /** Waits until any log is past its lane; the waits for the others end with that of the first. */
  private async whichWentOn(waitMs: number): Promise<readonly Followed[]> {
    const end = new AbortController();
    const onStop = () => end.abort();
    this.stopped?.addEventListener('abort', onStop, { once: true });
    if (this.stopped?.aborted) end.abort();
    const waits = this.followed.map(async ({ source, lane }) => {
      const wentOn = await source.waitForAppend(lane.taken, waitMs, end.signal);
      if (wentOn) end.abort();
      return wentOn;
    });
    try {
      const wentOn = await Promise.all(waits);
      return this.followed.filter((_, index) => wentOn[index]);
    } finally {
      this.stopped?.removeEventListener('abort', onStop);
    }
  }
}

function sourceOf(sources: readonly EventLog[], log: number): EventLog {
  const found = sources.find((source) => source.log === log);
  if (!found) throw new FeedInterrupted(`log ${log} is not followed here`);
  return found;
}
