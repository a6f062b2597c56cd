import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import type { Feed, FeedBatch, FeedSubscription } from '../contract.js';
import { LaneStore } from '../lane-store.js';
import type { CatchUp, FeedLogger } from '../message.js';
import { type FeedMetrics, feedMetrics } from '../metrics.js';
import { errorFacts, isOutage } from '../outage.js';
import { defaultTuning, FeedWorker, type Tuning } from '../worker.js';
import { KafkaIntake } from './kafka-intake.js';
import type { KafkaConsumerHandle, PartitionIntake } from './kafkajs.js';
import type { KafkaSettings } from './settings.js';
import type { IncomingMessage } from './wire.js';

export interface KafkaFeedParts {
  readonly kafka: KafkaSettings;
  /** The consuming service's own database: feed_positions and dead_letters lie in its schema. */
  readonly positions: Pool;
  readonly catchUp: CatchUp;
  readonly logger?: FeedLogger;
  readonly registry?: Registry;
  readonly clock?: Clock;
  readonly tuning?: Partial<Tuning>;
  /** After so long without a sign of life a consumer is started anew; several heartbeats of the relay. */
  readonly silentMsMax?: number;
  /** Stands between Kafka and the feed, so that a suite can drop, double and shuffle. */
  readonly tamper?: (messages: readonly IncomingMessage[]) => readonly IncomingMessage[];
}

const silentMsMaxDefault = 30_000;
const commitEveryMs = 5_000;
const closeMsMax = 2_000;
const reconnectPauseMs = 1_000;

/** The feed of the cluster: Kafka says what is new, positions in the consumer's database say what is done, the producer's log fills what is missing. */
export class KafkaFeed implements Feed {
  private readonly subscriptions: KafkaSubscription[] = [];

  constructor(private readonly parts: KafkaFeedParts) {}

  /** Rejects with WrongPartitionCount for a topic that cannot be used; while Kafka is not there it goes on trying. */
  async subscribe(subscription: {
    topic: string;
    group: string;
    handle(batch: FeedBatch): Promise<void>;
  }): Promise<FeedSubscription> {
    const running = new KafkaSubscription(this.parts, subscription);
    this.subscriptions.push(running);
    await running.start();
    return running;
  }

  async close(): Promise<void> {
    await Promise.all(this.subscriptions.splice(0).map((subscription) => subscription.close()));
  }
}

class KafkaSubscription implements FeedSubscription {
  private readonly intake: KafkaIntake;
  private readonly worker: FeedWorker;
  private readonly metrics: FeedMetrics;
  private consumer: KafkaConsumerHandle | undefined;
  private connecting: Promise<void> | undefined;
  private fetchedAtMs = performance.now();
  private crashed = false;
  private closed = false;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly parts: KafkaFeedParts,
    private readonly wanted: { topic: string; group: string; handle(batch: FeedBatch): Promise<void> },
  ) {
    const store = new LaneStore(parts.positions, wanted.group, wanted.topic);
    this.metrics = feedMetrics(parts.registry);
    this.intake = new KafkaIntake(store, parts.catchUp, this.metrics, (partition) => this.consumer?.resume(partition));
    this.worker = new FeedWorker({
      store,
      intake: this.intake,
      handle: wanted.handle,
      catchUp: parts.catchUp,
      metrics: this.metrics,
      logger: parts.logger,
      clock: parts.clock,
      tuning: { ...defaultTuning, ...parts.tuning },
    });
  }

  async start(): Promise<void> {
    try {
      await this.connect();
    } catch (error) {
      if (!isOutage(error)) throw error;
      this.parts.logger?.warn({ ...this.labels, ...errorFacts(error) }, 'Kafka cannot be reached; trying on');
      this.crashed = true;
    }
    this.worker.start();
    this.timers.push(
      setInterval(() => this.commit(), commitEveryMs),
      setInterval(() => this.watch(), Math.min(reconnectPauseMs, this.silentMsMax / 4)),
    );
  }

  async positions(): Promise<ReadonlyMap<number, number>> {
    const positions = new Map<number, number>();
    for (const { log, position } of this.intake.lanes()) {
      positions.set(log, Math.min(position, positions.get(log) ?? position));
    }
    return positions;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const timer of this.timers) clearInterval(timer);
    const workerClosed = this.worker.close();
    this.intake.announce();
    await workerClosed;
    await this.connecting?.catch(() => undefined);
    await atMost(closeMsMax, this.commit());
    await this.disconnect();
  }

  private async connect(): Promise<void> {
    // Loaded when first needed: the embedded topology never pays for it.
    const { ensureTopic, openConsumer } = await import('./kafkajs.js');
    const { kafka } = this.parts;
    const { topic, group } = this.wanted;
    await ensureTopic(kafka, topic);
    this.fetchedAtMs = performance.now();
    this.crashed = false;
    this.consumer = await openConsumer(kafka, topic, group, this.listener());
  }

  private listener(): PartitionIntake {
    const { tamper = (messages) => messages } = this.parts;
    return {
      assigned: (partitions) => this.intake.assigned(partitions),
      received: (messages, partition) => this.intake.received(tamper(messages), partition),
      fetched: () => {
        this.fetchedAtMs = performance.now();
      },
      crashed: (error) => {
        this.crashed = true;
        this.parts.logger?.warn({ ...this.labels, ...errorFacts(error) }, 'Kafka consumer stopped');
      },
    };
  }

  /**
   * Consumers of kafkajs are known to stop without a word (kafkajs #659, #1593). Signs of life: fetches that come back, and the
   * relay's heartbeats in every partition.
   */
  private watch(): void {
    if (this.closed || this.connecting) return;
    const silence = this.intake.silence();
    const fetchSilent = performance.now() - this.fetchedAtMs > this.silentMsMax;
    const onePartitionSilent =
      silence !== undefined && silence.longestMs > this.silentMsMax && silence.shortestMs < this.silentMsMax / 2;
    if (!this.crashed && !onePartitionSilent && !fetchSilent) return;
    this.metrics.restarts.inc(this.labels);
    this.parts.logger?.warn(
      { ...this.labels, crashed: this.crashed, fetchSilent, onePartitionSilent },
      'Kafka consumer restarts',
    );
    this.connecting = this.restart().finally(() => {
      this.connecting = undefined;
    });
  }

  private async restart(): Promise<void> {
    await this.disconnect();
    while (!this.closed) {
      try {
        await this.connect();
        return;
      } catch (error) {
        this.parts.logger?.warn({ ...this.labels, ...errorFacts(error) }, 'Kafka cannot be reached; trying on');
        await this.disconnect();
        await pause(reconnectPauseMs, undefined, { signal: this.worker.stopped }).catch(() => undefined);
      }
    }
  }

  private async disconnect(): Promise<void> {
    const { consumer } = this;
    this.consumer = undefined;
    // A consumer that hangs is left behind: the group drops it when its session ends.
    if (consumer) await atMost(closeMsMax, consumer.close());
  }

  /** Offsets are a hint where to begin; when the commit fails a later consumer begins earlier and skips. */
  private async commit(): Promise<void> {
    const offsets = this.intake.takeOffsets();
    if (offsets.size > 0) await this.consumer?.commit(offsets).catch(() => undefined);
  }

  private get silentMsMax(): number {
    return this.parts.silentMsMax ?? silentMsMaxDefault;
  }

  private get labels(): { group: string; topic: string } {
    return { group: this.wanted.group, topic: this.wanted.topic };
  }
}

/** Waits for what may hang or fail without harm. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  const late = new AbortController();
  const ended = work.catch(() => undefined).finally(() => late.abort());
  await Promise.race([ended, pause(ms, undefined, { signal: late.signal }).catch(() => undefined)]);
}
