import type { FeedMessage } from '../contract.js';
import type { Lane, LaneStore } from '../lane-store.js';
import { batchSizeMax, type CatchUp, partitionOf, toMessage } from '../message.js';
import type { FeedMetrics } from '../metrics.js';
import { FeedInterrupted } from '../outage.js';
import type { Intake, Portion } from '../worker.js';
import { LogPages } from './log-pages.js';
import { decode, type Entry, type IncomingMessage } from './wire.js';

/** What has come for one partition of one log and is not worked off. */
interface Queue {
  readonly log: number;
  readonly partition: number;
  lane: Lane | undefined;
  entries: { readonly entry: Entry; readonly offset: string }[];
  /** The furthest position that the relay has told of. */
  newest: number;
  heardAtMs: number;
}

/** A partition with more entries than this is not fetched until it has worked off most of them. */
const entriesMax = 4_000;
const entriesToResume = 500;

/**
 * Turns what Kafka brings into an unbroken sequence for each partition. An entry names the position before it: what is older
 * is skipped, and where that position has not been reached the hole is read from the producer's log.
 */
export class KafkaIntake implements Intake {
  private readonly queues = new Map<string, Queue>();
  private readonly pages = new Map<number, LogPages>();
  private assignment: ReadonlySet<number> = new Set();
  private readonly full = new Set<number>();
  private readonly doneOffsets = new Map<number, string>();
  private turn = 0;
  private changed = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly store: LaneStore,
    private readonly catchUp: CatchUp,
    private readonly metrics: FeedMetrics,
    private readonly resume: (partition: number) => void,
  ) {}

  assigned(partitions: readonly number[]): void {
    this.assignment = new Set(partitions);
    for (const [name, queue] of this.queues) if (!this.assignment.has(queue.partition)) this.queues.delete(name);
    // Other logs of the topic show themselves with their first entry.
    for (const partition of partitions) this.queueOf(0, partition).heardAtMs = performance.now();
    this.full.clear();
    this.doneOffsets.clear();
    this.announce();
  }

  /** False when the partition is full and shall rest. */
  received(messages: readonly IncomingMessage[], partition: number): boolean {
    if (!this.assignment.has(partition)) return true;
    for (const incoming of messages) {
      const entry = decode(incoming, this.store.topic);
      if (!entry) continue;
      const queue = this.queueOf(entry.log, partition);
      queue.entries.push({ entry, offset: incoming.offset });
      queue.newest = Math.max(queue.newest, entry.through);
      queue.heardAtMs = performance.now();
    }
    this.announce();
    if (this.entriesOf(partition) <= entriesMax) return true;
    this.full.add(partition);
    return false;
  }

  lanes(): readonly Lane[] {
    return [...this.queues.values()].flatMap((queue) => (queue.lane ? [queue.lane] : []));
  }

  lag(): number {
    return Math.max(0, ...[...this.queues.values()].map((q) => (q.lane ? q.newest - q.lane.position : 0)));
  }

  async next(waitMs: number): Promise<readonly Portion[]> {
    this.changed = false;
    await this.loadLanes();
    const queues = [...this.queues.values()];
    const portions: Portion[] = [];
    let room = batchSizeMax;
    this.turn += 1;
    for (let i = 0; i < queues.length && room > 0; i++) {
      const queue = queues[(i + this.turn) % queues.length];
      const portion = queue && (await this.portionOf(queue, room));
      if (!portion) continue;
      portions.push(portion);
      room -= portion.messages.length;
    }
    this.resumeDrained();
    if (portions.length === 0 && !this.changed) await this.somethingNew(waitMs);
    return portions;
  }

  /** Ends a wait in `next`. */
  announce(): void {
    this.changed = true;
    this.wake();
  }

  /** Next offset of each partition that has moved since the last call. */
  takeOffsets(): ReadonlyMap<number, string> {
    const offsets = new Map(
      [...this.doneOffsets].map(([partition, offset]) => [partition, String(BigInt(offset) + 1n)]),
    );
    this.doneOffsets.clear();
    return offsets;
  }

  /** Milliseconds since the longest silent and the last heard of the fetched partitions were heard of; undefined without any. */
  silence(): { longestMs: number; shortestMs: number } | undefined {
    const now = performance.now();
    const silent = [...this.queues.values()]
      .filter((queue) => queue.log === 0 && !this.full.has(queue.partition))
      .map((queue) => now - queue.heardAtMs);
    return silent.length === 0 ? undefined : { longestMs: Math.max(...silent), shortestMs: Math.min(...silent) };
  }

  private async portionOf(queue: Queue, room: number): Promise<Portion | undefined> {
    const { lane } = queue;
    if (!lane) return undefined;
    this.dropDone(queue, lane.position);
    const messages: FeedMessage[] = [];
    let through = lane.taken;
    for (const { entry } of queue.entries) {
      if (messages.length >= room) break;
      if (entry.through <= through) continue;
      if (entry.previous > through) {
        // What is before the hole goes first; the hole comes with the next call.
        if (messages.length === 0) return this.fill(lane, through, entry.previous, room);
        break;
      }
      if (entry.message) messages.push(entry.message);
      through = entry.through;
    }
    return through > lane.taken ? { lane, messages, through } : undefined;
  }

  /** The events of the partition after a position up to another, from the log; where that takes long, a first part of them. */
  private async fill(lane: Lane, after: number, until: number, room: number): Promise<Portion> {
    const { topic } = this.store;
    const slice = await this.pagesOf(lane.log).after(after);
    if (slice.through <= after) throw new FeedInterrupted(`the log of ${topic} does not reach position ${until} yet`);
    const messages = slice.events
      .filter((event) => event.position <= until)
      .map((event) => toMessage(event, topic))
      .filter((message) => partitionOf(message.key) === lane.partition)
      .slice(0, room);
    const last = messages.at(-1);
    const through = messages.length === room && last ? last.position : Math.min(slice.through, until);
    this.metrics.filled.inc({ group: this.store.group, topic }, messages.length);
    return { lane, messages, through };
  }

  private dropDone(queue: Queue, position: number): void {
    let done = 0;
    for (const { entry, offset } of queue.entries) {
      if (entry.through > position) break;
      const known = this.doneOffsets.get(queue.partition);
      if (known === undefined || BigInt(offset) > BigInt(known)) this.doneOffsets.set(queue.partition, offset);
      done += 1;
    }
    if (done > 0) queue.entries.splice(0, done);
  }

  private async loadLanes(): Promise<void> {
    const missing = [...this.queues.values()].filter((queue) => !queue.lane);
    for (const log of new Set(missing.map((queue) => queue.log))) {
      const partitions = missing.filter((queue) => queue.log === log).map((queue) => queue.partition);
      for (const lane of await this.store.load(log, partitions)) this.queueOf(log, lane.partition).lane = lane;
    }
    // A partition that was taken away meanwhile has got a queue again by this.
    for (const [name, queue] of this.queues) if (!this.assignment.has(queue.partition)) this.queues.delete(name);
  }

  private resumeDrained(): void {
    for (const partition of this.full) {
      if (this.entriesOf(partition) > entriesToResume) continue;
      this.full.delete(partition);
      this.resume(partition);
    }
  }

  private somethingNew(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = () => undefined;
        resolve();
      };
    });
  }

  private entriesOf(partition: number): number {
    let count = 0;
    for (const queue of this.queues.values()) if (queue.partition === partition) count += queue.entries.length;
    return count;
  }

  private queueOf(log: number, partition: number): Queue {
    const name = `${log}/${partition}`;
    const known = this.queues.get(name);
    if (known) return known;
    const queue: Queue = { log, partition, lane: undefined, entries: [], newest: 0, heardAtMs: performance.now() };
    this.queues.set(name, queue);
    return queue;
  }

  private pagesOf(log: number): LogPages {
    const known = this.pages.get(log);
    if (known) return known;
    const pages = new LogPages(this.catchUp, this.store.topic, log);
    this.pages.set(log, pages);
    return pages;
  }
}
