import type { LogSlice } from '@tsunagu/event-store';
import type { CatchUp } from '../message.js';

const pageSize = 1_000;
const pagesMax = 32;

/**
 * Reads a producer's log for many partitions at once: each wants its own few events of the same stretch, so whole pages are
 * kept for a while. A page that ends before the head never changes: a log is append-only and without gaps.
 */
export class LogPages {
  private readonly pages = new Map<number, Promise<LogSlice>>();

  constructor(
    private readonly read: CatchUp,
    private readonly topic: string,
    private readonly log: number,
  ) {}

  /** Events after a position in order, and the position looked through. Rejects as the reader does. */
  async after(position: number): Promise<LogSlice> {
    const base = Math.floor(position / pageSize) * pageSize;
    const slice = await this.page(base);
    if (slice.through > position) {
      return { through: slice.through, events: slice.events.filter((event) => event.position > position) };
    }
    // The page was read when the log was shorter.
    return this.read(this.topic, position, pageSize, this.log);
  }

  private page(base: number): Promise<LogSlice> {
    const kept = this.pages.get(base);
    if (kept) return kept;
    const page = this.read(this.topic, base, pageSize, this.log).then(
      (slice) => {
        if (slice.through < base + pageSize) this.pages.delete(base);
        return slice;
      },
      (error: unknown) => {
        this.pages.delete(base);
        throw error;
      },
    );
    this.pages.set(base, page);
    for (const oldest of this.pages.keys()) {
      if (this.pages.size <= pagesMax) break;
      this.pages.delete(oldest);
    }
    return page;
  }
}
