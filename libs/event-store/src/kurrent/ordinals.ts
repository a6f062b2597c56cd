import { isoTime } from '@tsunagu/kernel';
import type { KurrentClient, KurrentPosition, KurrentRecord } from './client.js';
import { text } from './mapping.js';

/** Events in one read of $all. */
const PAGE = 1_000;
/** Ids whose stream is remembered: an id in another stream is found as long as it is among them. */
const RECENT_IDS_MAX = 100_000;

interface Recent {
  readonly stream: string;
  readonly position: number;
  readonly attempt: string;
}

/**
 * KurrentDB numbers by bytes, with gaps. Positions of the log are ordinals: its n-th event in $all is n. They are counted from
 * the beginning when the log is opened and kept in memory (about 100 bytes an event), so they are the same for every reader as
 * long as nothing is deleted, truncated or scavenged away.
 */
export class Ordinals {
  /** By ordinal − 1. */
  private readonly places: KurrentPosition[] = [];
  private readonly timesMs: number[] = [];
  /** Ordinals by stream and revision. */
  private readonly streams = new Map<string, number[]>();
  private readonly recent = new Map<string, Recent>();
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(
    private readonly client: KurrentClient,
    /** What the names of the log's streams begin with. */
    readonly prefix: string,
  ) {}

  get head(): number {
    return this.places.length;
  }

  /** Counts everything that was recorded before the call. */
  catchUp(): Promise<void> {
    if (!this.running) {
      this.running = this.count().finally(() => {
        this.running = undefined;
      });
      return this.running;
    }
    // What is under way may have read past an event before it was recorded.
    this.next ??= this.running.then(
      () => this.begin(),
      () => this.begin(),
    );
    return this.next;
  }

  /** Undefined for an event that is not counted yet. */
  ordinalOf(stream: string, revision: number): number | undefined {
    return this.streams.get(stream)?.[revision];
  }

  /** −1 for a stream without events. */
  revisionOf(stream: string): number {
    return (this.streams.get(stream)?.length ?? 0) - 1;
  }

  /** Of the ids recorded last; others are forgotten. */
  recentlyRecorded(eventId: string): Recent | undefined {
    return this.recent.get(eventId);
  }

  /** The clock of the append, never decreasing with position. */
  recordedAt(ordinal: number): string {
    return isoTime(this.timesMs[ordinal - 1] ?? 0);
  }

  /** The log's records after an ordinal, in order, each with its own. */
  async *after(ordinal: number): AsyncGenerator<{ record: KurrentRecord; position: number }> {
    for (let position = ordinal; ; ) {
      let found = 0;
      for await (const record of this.page(this.places[position - 1])) {
        found += 1;
        position += 1;
        yield { record, position };
      }
      if (found === 0) return;
    }
  }

  private begin(): Promise<void> {
    this.next = undefined;
    return this.catchUp();
  }

  private async count(): Promise<void> {
    for await (const { record, position } of this.after(this.head)) {
      const stream = record.streamId.slice(this.prefix.length);
      const ordinals = this.streams.get(stream) ?? [];
      if (ordinals.length !== Number(record.revision) || !record.position) {
        throw new Error(`${record.streamId}@${record.revision} cannot be counted: events before it are gone`);
      }
      ordinals.push(position);
      this.streams.set(stream, ordinals);
      this.places.push(record.position);
      this.timesMs.push(Math.max(this.timesMs.at(-1) ?? 0, Date.parse(text(record, 'recordedAt'))));
      this.remember(record.id, { stream, position, attempt: text(record, 'attempt') });
    }
  }

  private remember(id: string, recent: Recent): void {
    this.recent.set(id, recent);
    if (this.recent.size <= RECENT_IDS_MAX) return;
    for (const oldest of this.recent.keys()) {
      this.recent.delete(oldest);
      return;
    }
  }

  /** A page of $all after a position; the event at the position itself is read again and passed over. */
  private async *page(from: KurrentPosition | undefined): AsyncGenerator<KurrentRecord> {
    const resolved = this.client.readAll({
      fromPosition: from ?? 'start',
      direction: 'forwards',
      maxCount: PAGE + 1,
      requiresLeader: true,
      filter: { filterOn: 'streamName', prefixes: [this.prefix], checkpointInterval: 1 },
    });
    for await (const { event } of resolved) {
      if (!event?.position || !event.streamId.startsWith(this.prefix)) continue;
      const { commit, prepare } = event.position;
      if (from && (commit < from.commit || (commit === from.commit && prepare <= from.prepare))) continue;
      yield event;
    }
  }
}
