const GENERATION_SIZE = 100_000;

/**
 * The highest revision of streams that this process has read or written. A stream never shrinks, so an expected
 * revision up to it cannot be too high, and one too low violates the unique constraint: a plain insert is check enough.
 * Bounded: the streams that grew least recently are forgotten, 100,000 to 200,000 are kept.
 */
export class KnownRevisions {
  private recent = new Map<string, number>();
  private older = new Map<string, number>();

  /** −1 where nothing is known. */
  of(stream: string): number {
    return this.recent.get(stream) ?? this.older.get(stream) ?? -1;
  }

  /** What was read of a stream; −1: nothing. */
  note(stream: string, revision: number): void {
    if (revision >= 0 && revision > this.of(stream)) this.advance(stream, revision);
  }

  /** A stream was written up to here. Less than is known of it does no harm: the next append has the database look. */
  advance(stream: string, revision: number): void {
    this.recent.set(stream, revision);
    if (this.recent.size < GENERATION_SIZE) return;
    this.older = this.recent;
    this.recent = new Map();
  }
}
