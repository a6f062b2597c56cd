const FIRST_AFTER_MS = 2_000;
const EVERY_MS = 2_000;

/** Says on stderr how far a long run is: nothing in its first two seconds, then a line every two. */
export class Progress {
  private readonly startedAt = Date.now();
  private lastAt = this.startedAt + FIRST_AFTER_MS - EVERY_MS;

  constructor(private readonly what: string) {}

  at(done: number, total: number): void {
    const now = Date.now();
    if (now - this.lastAt < EVERY_MS || now - this.startedAt < FIRST_AFTER_MS) return;
    this.lastAt = now;
    const share = total === 0 ? 100 : Math.floor((100 * done) / total);
    console.error(`${this.what}: ${done} of ${total} (${share} %)`);
  }
}
