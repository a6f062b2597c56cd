import type { KurrentClient, KurrentEventData, KurrentPosition, KurrentRecord, KurrentState } from './client.js';

/** An error as the vendor's client throws it: `type` is the member of its ErrorType. */
export class CommandError extends Error {
  constructor(readonly type: string) {
    super(type);
  }
}

type Stored = KurrentRecord & { readonly position: KurrentPosition };

/**
 * What the vendor documents of its server, for specs: no server can run on a machine without containers. Positions are byte
 * offsets with gaps and system events between; a write that expects less than the stream holds is a success if the events at
 * that place have the same ids, else wrong-expected-version; nothing else is known of ids. A read of a stream tells no position.
 */
export class TestServer {
  readonly all: Stored[] = [];
  /** What the next writes do after they were recorded: fail with an error of this type. */
  loseAnswers: string[] = [];
  /** What the next writes do instead of recording. */
  refuse: string[] = [];
  private offset = 0n;

  constructor(readonly serverVersion = '25.1.0') {}

  client(): KurrentClient {
    const server = this;
    return {
      capabilities: Promise.resolve({ serverVersion: this.serverVersion }),
      appendToStream: async (streamName, events, { streamState }) =>
        server.write([{ streamName, events, expectedState: streamState }]),
      multiStreamAppend: async (requests) => {
        if (server.serverVersion < '25.1') throw new CommandError('unsupported');
        return server.write(requests);
      },
      async *readStream(stream) {
        const events = server.streamOf(stream);
        if (events.length === 0) throw new CommandError('stream-not-found');
        for (const { position: _, ...event } of events) yield { event: copy(event) };
      },
      async *readAll({ fromPosition, maxCount, filter }) {
        const from = fromPosition === 'start' ? 0n : fromPosition.prepare;
        const found = server.all.filter(
          ({ position, streamId }) =>
            position.prepare >= from && filter.prefixes.some((prefix) => streamId.startsWith(prefix)),
        );
        for (const event of found.slice(0, maxCount)) yield { event: copy(event) };
      },
      dispose: async () => undefined,
    };
  }

  private streamOf(name: string): readonly Stored[] {
    return this.all.filter(({ streamId }) => streamId === name);
  }

  private write(
    requests: readonly { streamName: string; expectedState: KurrentState; events: readonly KurrentEventData[] }[],
  ): void {
    const refused = this.refuse.shift();
    if (refused) throw new CommandError(refused);
    // A revision is an unsigned number on the wire.
    if (requests.some(({ expectedState }) => expectedState !== 'no_stream' && expectedState < 0n)) {
      throw new CommandError('invalid-argument');
    }
    const fresh = requests.filter(({ streamName, expectedState, events }) => {
      const recorded = this.streamOf(streamName);
      const at = expectedState === 'no_stream' ? 0 : Number(expectedState) + 1;
      if (at === recorded.length) return true;
      const isSame = at < recorded.length && events.every(({ id }, index) => recorded[at + index]?.id === id);
      if (!isSame) throw new CommandError('wrong-expected-version');
      return false;
    });
    for (const { streamName, events } of fresh) {
      for (const event of events) this.record(streamName, event);
    }
    this.record('$system', { id: '', type: '$tick', contentType: 'application/json', data: {}, metadata: {} });
    const lost = this.loseAnswers.shift();
    if (lost) throw new CommandError(lost);
  }

  private record(streamId: string, { id, type, data, metadata }: KurrentEventData): void {
    this.offset += BigInt(100 + JSON.stringify(data).length);
    const revision = BigInt(this.streamOf(streamId).length);
    const position = { commit: this.offset, prepare: this.offset };
    this.all.push({ streamId, id, type, revision, position, data: copy(data), metadata: copy(metadata) });
  }
}

function copy<T>(value: T): T {
  return structuredClone(value);
}
