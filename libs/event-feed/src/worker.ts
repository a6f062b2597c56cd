import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, isoTime, realClock } from '@tsunagu/kernel';
import type { FeedBatch, FeedMessage } from './contract.js';
import { deliver, type FailureRun, type Handle, type ParkedMessage } from './deliver.js';
import { type Lane, type LaneStore, laneOf, type OpenLetter } from './lane-store.js';
import { batchSizeMax, type CatchUp, type FeedLogger, toMessage } from './message.js';
import type { FeedMetrics } from './metrics.js';
import { errorFacts, FeedInterrupted, isOutage } from './outage.js';

/** A stretch of one lane that is next: all of the topic's messages after what the lane has given out, up to `through`. */
export interface Portion {
  readonly lane: Lane;
  readonly messages: readonly FeedMessage[];
  readonly through: number;
}

/** Where a worker gets its portions from. The same comes again until it counts as given out (`lane.taken`). */
export interface Intake {
  lanes(): readonly Lane[];
  /** What is next, together at most 1,000 messages. Waits for something to come, not longer than `waitMs`; rejects for an outage. */
  next(waitMs: number): Promise<readonly Portion[]>;
  /** Positions known of and not worked off. */
  lag(): number;
}

export interface Tuning {
  /** First pause after an outage; doubles up to the last. */
  readonly outagePauseMsFirst: number;
  readonly outagePauseMsMax: number;
  readonly retryPausesMs: readonly number[];
  /** Between two looks for re-drives asked for. */
  readonly redrivePollMs: number;
}

export const defaultTuning: Tuning = {
  outagePauseMsFirst: 100,
  outagePauseMsMax: 10_000,
  retryPausesMs: [50, 250],
  redrivePollMs: 1_000,
};

export interface WorkerParts {
  readonly store: LaneStore;
  readonly intake: Intake;
  readonly handle: Handle;
  readonly catchUp: CatchUp;
  readonly metrics: FeedMetrics;
  readonly logger?: FeedLogger | undefined;
  readonly clock?: Clock | undefined;
  readonly tuning: Tuning;
}

const idleWaitMs = 1_000;
/** A lane that moved over nothing of its topic is stored after so many positions, or when idle. */
const idlePositionsMax = 1_000;
/** A batch of so many shows that more is waiting: the next one is read, and begun, before it is done. */
const messagesToReadAhead = 250;

/** What the consumer is given at once. */
interface Batch {
  readonly portions: readonly Portion[];
  readonly messages: FeedBatch;
  /** What of it could not be worked off; absent until it is given to the consumer. */
  parked?: Promise<readonly ParkedMessage[]>;
}

/**
 * Works off one topic for one group over all lanes of this process. Under load two batches are with the consumer at a time,
 * never two with the same key; they are stored in order, so what follows a failure comes again with it.
 */
export class FeedWorker {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private outages = 0;
  private readonly failureRun: FailureRun = { failures: 0 };
  private nextRedriveLookAt = 0;
  private ahead: Batch | undefined;
  private readonly deliveries = new Set<Promise<unknown>>();

  constructor(private readonly parts: WorkerParts) {}

  start(): void {
    this.running = this.run();
  }

  get stopped(): AbortSignal {
    return this.stopping.signal;
  }

  /** Waits for what the consumer has been given, stores where the lanes stand, and ends. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted || this.ahead?.parked) {
      try {
        await this.turn();
        this.resumed();
      } catch (error) {
        await this.startOver();
        await this.pauseAfter(error);
      }
      this.report();
    }
    // A stop must not fail because the database is gone: what is not stored is delivered again.
    await this.startOver();
    await this.storeIdleMoves(1).catch(() => undefined);
  }

  private async turn(): Promise<void> {
    const waitMs = this.redrivesPossible() ? this.parts.tuning.redrivePollMs : idleWaitMs;
    const batch = this.ahead ?? (await this.read(waitMs));
    this.ahead = undefined;
    if (batch) {
      this.begin(batch);
      if (batch.messages.length >= messagesToReadAhead && !this.redriveIsDue()) {
        this.ahead = await this.read(0);
        if (this.ahead && !shareKey(batch.messages, this.ahead.messages)) this.begin(this.ahead);
      }
      await this.finish(batch);
    } else await this.storeIdleMoves(1);
    if (this.redriveIsDue() && !this.ahead?.parked) await this.redriveWhatWasAskedFor();
  }

  private async read(waitMs: number): Promise<Batch | undefined> {
    if (this.stopping.signal.aborted) return undefined;
    const portions = await this.parts.intake.next(waitMs);
    if (this.stopping.signal.aborted || portions.length === 0) return undefined;
    for (const { lane, through } of portions) lane.taken = through;
    return { portions, messages: portions.flatMap((portion) => portion.messages) };
  }

  private begin(batch: Batch): void {
    if (batch.parked || batch.messages.length === 0) return;
    const delivery = this.deliver(batch.messages, (key) => batch.portions.some(({ lane }) => lane.blocked.has(key)));
    batch.parked = delivery;
    // Its failure is seen when its turn has come.
    const ended = delivery.catch(() => undefined).finally(() => this.deliveries.delete(ended));
    this.deliveries.add(ended);
  }

  private async finish({ portions, messages, parked: delivery }: Batch): Promise<void> {
    const { store, metrics } = this.parts;
    if (!delivery) {
      for (const { lane, through } of portions) lane.position = through;
      await this.storeIdleMoves(idlePositionsMax);
      return;
    }
    const parked = await delivery;
    const lanes = portions.map((portion) => portion.lane);
    const moved = portions.map(({ lane, through }) => ({ ...lane, position: through }));
    const lost = await store.save(moved, parked, this.now());
    if (lost.length > 0) {
      await this.startOver();
      await this.reload(lanes.filter((lane) => lost.some((l) => l.log === lane.log && l.partition === lane.partition)));
      if (parked.length > 0) return;
    }
    for (const { lane, through } of portions) {
      if (!lost.some((l) => l.log === lane.log && l.partition === lane.partition)) stored(lane, through);
    }
    for (const letter of parked) {
      laneOf(lanes, letter.message).blocked.add(letter.message.key);
      if (letter.state === 'dead') this.logDead(letter);
    }
    metrics.delivered.inc(this.labels, messages.length - parked.length);
  }

  /** What is with the consumer ends, and all that was not stored comes again. */
  private async startOver(): Promise<void> {
    await Promise.all(this.deliveries);
    this.ahead = undefined;
    for (const lane of this.parts.intake.lanes()) lane.taken = lane.position;
  }

  private deliver(batch: FeedBatch, blocked: (key: string) => boolean): Promise<readonly ParkedMessage[]> {
    const { handle, tuning } = this.parts;
    return deliver(batch, handle, {
      blocked,
      retryPausesMs: tuning.retryPausesMs,
      run: this.failureRun,
      signal: this.stopping.signal,
    });
  }

  /** Positions that held nothing for this topic are stored now and then, so that a restart need not look at them again. */
  private async storeIdleMoves(positionsMin: number): Promise<void> {
    const moved = this.parts.intake.lanes().filter((lane) => lane.position - lane.storedPosition >= positionsMin);
    if (moved.length === 0) return;
    const lost = await this.parts.store.save(moved, [], this.now());
    for (const lane of moved) if (!lost.includes(lane)) stored(lane, lane.position);
    await this.reload(lost);
  }

  /** Another process has worked on these lanes: take over what it stored. */
  private async reload(lanes: readonly Lane[]): Promise<void> {
    for (const lane of lanes) {
      const [fresh] = await this.parts.store.load(lane.log, [lane.partition]);
      if (fresh) Object.assign(lane, fresh);
    }
  }

  private redrivesPossible(): boolean {
    return this.parts.intake.lanes().some((lane) => lane.blocked.size > 0);
  }

  private redriveIsDue(): boolean {
    return this.redrivesPossible() && performance.now() >= this.nextRedriveLookAt;
  }

  private async redriveWhatWasAskedFor(): Promise<void> {
    const keys = await this.parts.store.requestedKeys(this.parts.intake.lanes());
    for (const { log, key } of keys) {
      const lane = this.parts.intake.lanes().find((l) => l.log === log && l.blocked.has(key));
      if (lane && !this.stopping.signal.aborted) await this.redriveKey(lane, key);
    }
    this.nextRedriveLookAt = performance.now() + this.parts.tuning.redrivePollMs;
  }

  /** The dead letter and all that waits behind it, in order, until one fails again. */
  private async redriveKey(lane: Lane, key: string): Promise<void> {
    const { store } = this.parts;
    for (;;) {
      const letters = await store.openLetters(lane.log, key, batchSizeMax);
      if (letters.length === 0) {
        lane.blocked.delete(key);
        return;
      }
      const messages = await this.readAgain(letters);
      const parked = await this.deliver(messages, () => false);
      const stuck = new Set(parked.map((letter) => letter.message.position));
      const done = letters.filter((letter) => !stuck.has(letter.position));
      if (!(await store.settle(lane, key, done, parked, this.now()))) {
        await this.reload([lane]);
        return;
      }
      stored(lane, lane.position);
      this.parts.logger?.info({ ...this.labels, done: done.length, stuck: stuck.size }, 'dead letters re-driven');
      this.parts.metrics.delivered.inc(this.labels, done.length);
      if (parked.length > 0) return;
    }
  }

  private async readAgain(letters: readonly OpenLetter[]): Promise<FeedMessage[]> {
    const { store, catchUp } = this.parts;
    const messages: FeedMessage[] = [];
    for (const letter of letters) {
      const slice = await catchUp(store.topic, letter.position - 1, 1, letter.log);
      const event = slice.events.find((e) => e.position === letter.position && e.id === letter.eventId);
      if (!event) throw new FeedInterrupted(`position ${letter.position} is not in the log of ${store.topic}`);
      messages.push(toMessage(event, store.topic));
    }
    return messages;
  }

  /** Nothing was stored: after a pause the same comes again. An outage, or an error outside any handler, never loses a message. */
  private async pauseAfter(error: unknown): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const { tuning, logger, metrics } = this.parts;
    const pauseMs = Math.min(tuning.outagePauseMsFirst * 2 ** Math.min(this.outages, 20), tuning.outagePauseMsMax);
    this.outages += 1;
    metrics.paused.set(this.labels, 1);
    const facts = { ...this.labels, pauseMs, times: this.outages, ...errorFacts(error) };
    if (isOutage(error)) logger?.warn(facts, 'feed paused by an outage');
    else logger?.error(facts, 'feed paused by an error outside the consumer');
    await pause(pauseMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private resumed(): void {
    if (this.outages > 0) this.parts.logger?.info({ ...this.labels, times: this.outages }, 'feed resumed');
    this.outages = 0;
  }

  private logDead({ message, error, attempts }: ParkedMessage): void {
    this.parts.logger?.error(
      {
        ...this.labels,
        log: message.log,
        position: message.position,
        eventId: message.id,
        eventType: message.type,
        correlationId: message.correlationId,
        attempts,
        ...errorFacts(error),
      },
      'message dead-lettered',
    );
  }

  private report(): void {
    const { metrics, intake } = this.parts;
    metrics.lag.set(this.labels, intake.lag());
    metrics.paused.set(this.labels, this.outages > 0 ? 1 : 0);
    metrics.deadLetters.set(
      this.labels,
      intake.lanes().reduce((count, lane) => count + lane.blocked.size, 0),
    );
  }

  private get labels(): { group: string; topic: string } {
    return { group: this.parts.store.group, topic: this.parts.store.topic };
  }

  private now(): string {
    return isoTime((this.parts.clock ?? realClock).now());
  }
}

function shareKey(some: FeedBatch, others: FeedBatch): boolean {
  const keys = new Set(some.map(({ key }) => key));
  return others.some(({ key }) => keys.has(key));
}

function stored(lane: Lane, position: number): void {
  lane.position = position;
  lane.taken = Math.max(lane.taken, position);
  lane.storedPosition = position;
  lane.revision += 1;
}
