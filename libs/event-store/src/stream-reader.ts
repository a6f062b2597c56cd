import type { EventLog, RecordedEvent } from './contract.js';
import { SharedQuery } from './shared-query.js';

type Streams = ReadonlyMap<string, readonly RecordedEvent[]>;

/** Reads streams for many callers with few queries; a caller sees every event that was committed before it asked. */
export class StreamReader {
  private readonly query: SharedQuery<string, Streams>;

  constructor(log: Pick<EventLog, 'readStreams'>) {
    this.query = new SharedQuery((names) => log.readStreams([...new Set(names)]));
  }

  /** At least the streams named, each an array (empty where there is no such stream), shared with other callers. */
  read(names: readonly string[]): Promise<Streams> {
    return this.query.ask(names);
  }
}
