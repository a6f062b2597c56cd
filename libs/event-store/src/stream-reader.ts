import type { EventLog, RecordedEvent } from './contract.js';

type Streams = ReadonlyMap<string, readonly RecordedEvent[]>;

interface Waiting {
  readonly names: readonly string[];
  resolve(streams: Streams): void;
  reject(error: unknown): void;
}

/** Streams in one query. */
const BATCH_STREAMS_MAX = 2_000;
/** Queries at the same moment. */
const QUERIES_MAX = 2;
/** A second query begins beside the first only when so many callers wait: few wait and share the next one. */
const SECOND_QUERY_CALLERS = 64;

/**
 * Reads streams for many callers with few queries: what is asked for while a query runs goes into the next one. A query always
 * starts after the call, so a caller sees every event that was committed before it asked, whoever appended it.
 */
export class StreamReader {
  private waiting: Waiting[] = [];
  private running = 0;

  constructor(private readonly log: Pick<EventLog, 'readStreams'>) {}

  /** At least the streams named, each an array (empty where there is no such stream), shared with other callers. */
  read(names: readonly string[]): Promise<Streams> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ names, resolve, reject });
      // The requests that arrived in the same turn of the event loop share the first query too.
      if (this.waiting.length === 1) setImmediate(() => this.next());
      else if (this.waiting.length === SECOND_QUERY_CALLERS) this.next();
    });
  }

  private next(): void {
    if (this.running >= QUERIES_MAX || this.waiting.length === 0) return;
    if (this.running > 0 && this.waiting.length < SECOND_QUERY_CALLERS) return;
    const names = new Set<string>();
    let taken = 0;
    for (const caller of this.waiting) {
      if (taken > 0 && names.size + caller.names.length > BATCH_STREAMS_MAX) break;
      for (const name of caller.names) names.add(name);
      taken += 1;
    }
    const callers = this.waiting.splice(0, taken);
    this.running += 1;
    this.log
      .readStreams([...names])
      .then(
        (streams) => {
          for (const caller of callers) caller.resolve(streams);
        },
        (error) => {
          for (const caller of callers) caller.reject(error);
        },
      )
      .finally(() => {
        this.running -= 1;
        this.next();
      });
  }
}
