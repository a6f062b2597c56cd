import type { LogSlice, RecordedEvent } from '../contract.js';

/** Events that are kept: a few rounds of the slowest follower in a burst. */
const KEPT_EVENTS = 8_192;
/** Events of one read at the head. */
const READ_EVENTS = 1_000;

/**
 * The newest events of a log, read once for all who follow it in this process: read models and feeds stand within a moment of
 * each other, and each would otherwise have the database look at the same rows. What is recorded never changes, so nothing
 * here can be wrong; it may lack the very last events, which a follower gets when it asks again.
 */
export class LogTail {
  /** Without gaps, whole requests. */
  private events: RecordedEvent[] = [];
  /** The position before the first one kept. */
  private from = 0;
  private reading: Promise<void> | undefined;

  /** `read`: all events after a position in order, never cutting a request. */
  constructor(private readonly readAll: (query: { after: number; limit: number }) => Promise<LogSlice>) {}

  private get through(): number {
    return this.from + this.events.length;
  }

  /** Undefined where it lies further back than what is kept: that is read from the database, which filters. */
  async read(after: number, limit: number, types: readonly string[] | undefined): Promise<LogSlice | undefined> {
    if (after >= this.through) {
      // Far ahead of what is kept, or the first to ask: kept from here on.
      if (after > this.through && !this.reading) this.keepFrom(after);
      this.reading ??= this.readOn();
      await this.reading;
    }
    if (after < this.from) return undefined;
    return this.slice(after, limit, types);
  }

  private keepFrom(position: number): void {
    this.events = [];
    this.from = position;
  }

  private async readOn(): Promise<void> {
    try {
      const after = this.through;
      const { events } = await this.readAll({ after, limit: READ_EVENTS });
      if (events.length > 0 && events[0]?.position !== after + 1) return this.keepFrom(after);
      this.events.push(...events);
      const excess = this.events.length - KEPT_EVENTS;
      if (excess > READ_EVENTS) {
        this.events.splice(0, excess);
        this.from += excess;
      }
    } finally {
      this.reading = undefined;
    }
  }

  private slice(after: number, limit: number, types: readonly string[] | undefined): LogSlice {
    const found: RecordedEvent[] = [];
    let through = after;
    for (let index = Math.max(0, after - this.from); index < this.events.length; index += 1) {
      const event = this.events[index];
      if (!event) break;
      if (found.length >= limit && event.requestId !== this.events[index - 1]?.requestId) break;
      if (!types || types.includes(event.type)) found.push(event);
      through = event.position;
    }
    return { events: found, through };
  }
}
