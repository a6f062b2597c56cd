import { StoreError } from '../contract.js';

/**
 * The part of `@kurrent/kurrentdb-client` 1.3.1 that the adapter uses, in its own words. The package is an optional peer: it is
 * loaded when a log of KurrentDB is opened, and nobody else installs it (docs/decisions/0010).
 */
export interface KurrentClient {
  /** Rejects with an error of `type` wrong-expected-version where the stream is elsewhere. */
  appendToStream(
    stream: string,
    events: readonly KurrentEventData[],
    options: { readonly streamState: KurrentState },
  ): Promise<unknown>;
  /** Atomic; servers of 25.1 and later. */
  multiStreamAppend(
    requests: readonly {
      readonly streamName: string;
      readonly expectedState: KurrentState;
      readonly events: readonly KurrentEventData[];
    }[],
  ): Promise<unknown>;
  /** Throws an error of `type` stream-not-found for a stream that does not exist. */
  readStream(
    stream: string,
    options: { readonly direction: 'forwards'; readonly requiresLeader: true },
  ): AsyncIterable<KurrentResolved>;
  /** From a position on, the event there included. */
  readAll(options: {
    readonly fromPosition: 'start' | KurrentPosition;
    readonly direction: 'forwards';
    readonly maxCount: number;
    readonly requiresLeader: true;
    readonly filter: {
      readonly filterOn: 'streamName';
      readonly prefixes: string[];
      readonly checkpointInterval: number;
    };
  }): AsyncIterable<KurrentResolved>;
  /** What the server said of itself when the connection was made. */
  readonly capabilities: Promise<{ readonly serverVersion: string }>;
  dispose(): Promise<void>;
}

export type KurrentState = 'no_stream' | bigint;

export interface KurrentPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

/** An event as it is sent. Metadata is a flat map of texts: appending to several streams takes no other. */
export interface KurrentEventData {
  readonly id: string;
  readonly type: string;
  readonly contentType: 'application/json';
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An event as it is read; links are not resolved, so `event` is there. */
export interface KurrentResolved {
  readonly event?: KurrentRecord;
}

export interface KurrentRecord {
  readonly streamId: string;
  readonly id: string;
  readonly revision: bigint;
  readonly type: string;
  readonly data: unknown;
  readonly metadata?: unknown;
  /** Of $all; in a stream's own read servers may leave it out. */
  readonly position?: KurrentPosition | undefined;
}

const PACKAGE = '@kurrent/kurrentdb-client';

/** Connects to a server by its connection string (`kurrentdb://…`). Throws StoreError `store.unavailable` where the package is not installed. */
export async function connectKurrent(url: string): Promise<KurrentClient> {
  let loaded: { KurrentDBClient: { connectionString(url: string): unknown } };
  try {
    loaded = (await import(PACKAGE)) as typeof loaded;
  } catch (error) {
    const message = `the client of KurrentDB is not installed: npm install --no-save ${PACKAGE}@1.3.1`;
    throw new StoreError('store.unavailable', message, { cause: error });
  }
  return loaded.KurrentDBClient.connectionString(url) as KurrentClient;
}
