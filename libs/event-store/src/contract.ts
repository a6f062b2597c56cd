/**
 * The event store contract. A log is a totally ordered, gap-free sequence of recorded events; a stream is one subject's
 * events in a log. Appending with an expected revision is the only way state changes. A log opened with `versions` reads
 * every event in its newest version and throws UnknownVersion for one that a later release recorded; what is recorded
 * never changes.
 */

/** An event before it is recorded. */
export interface NewEvent<T extends string = string, D = unknown> {
  /** UUID, unique in the log for ever: newId for a first act, derivedId for what follows from a cause. */
  readonly id: string;
  readonly type: T;
  /** Given by the log where absent: the newest version of the type that it knows. */
  readonly schemaVersion?: number;
  /** ISO 8601 UTC: when it counts, which may differ from when it was recorded. */
  readonly effectiveAt: string;
  readonly correlationId: string;
  /** The id of the event that led to this one. */
  readonly causationId: string | null;
  /** Pseudonymous: `person:<id>`, `staff:<subject>`, `service:<name>`. */
  readonly actor: string;
  readonly ownerId: string | null;
  /** The revision of every stream that the decision read, −1 for none, besides the streams written. */
  readonly reads?: Readonly<Record<string, number>>;
  /** JSON. */
  readonly data: D;
}

export interface RecordedEvent<T extends string = string, D = unknown> extends NewEvent<T, D> {
  /** The version of `data`: the newest known, or as recorded where that was asked for. */
  readonly schemaVersion: number;
  readonly log: number;
  /** From 1, without gaps. */
  readonly position: number;
  readonly stream: string;
  /** From 0. */
  readonly revision: number;
  readonly requestId: string;
  /** ISO 8601 UTC, never decreasing with position. */
  readonly recordedAt: string;
}

/** `noStream`, or the revision that the stream's last event must have. There is no "any". */
export type ExpectedRevision = 'noStream' | number;

export interface StreamWrite {
  readonly stream: string;
  readonly expectedRevision: ExpectedRevision;
  readonly events: readonly NewEvent[];
}

/** Atomic: all of its writes or none. */
export interface AppendRequest {
  /** UUID; made by the store where absent. */
  readonly requestId?: string;
  readonly writes: readonly StreamWrite[];
}

export type AppendOutcome =
  | { readonly outcome: 'appended' | 'duplicate'; readonly positions: readonly number[] }
  | {
      readonly outcome: 'conflict';
      /** The actual revision of each stream named, −1 where it does not exist. */
      readonly actualRevisions: Readonly<Record<string, number>>;
      /** Ids of this request that are recorded already, when only some are. */
      readonly recordedIds: readonly string[];
    };

/** A stream's last event, as somebody remembers it. */
export interface LastEvent {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
}

export interface LogSlice {
  readonly events: readonly RecordedEvent[];
  /** The last position looked at: where the next read goes on. */
  readonly through: number;
}

export interface LogQuery {
  /** The position before the first one wanted; 0 for the beginning. */
  readonly after: number;
  readonly limit: number;
  readonly types?: readonly string[];
  readonly stream?: string;
  /** `newest` where absent: each event upcast. `recorded`: as it was written, in whatever version, for feeds, copies and audits. */
  readonly form?: 'newest' | 'recorded';
  /**
   * Who follows the log and asks again and again may be given what other followers were given a moment ago: `through` may
   * then lie before the last visible position.
   */
  readonly follows?: boolean;
}

export interface StoreCapabilities {
  readonly gapFree: boolean;
  readonly idsForEver: boolean;
  readonly atomicStreams: boolean;
}

export interface EventLog {
  readonly log: number;
  readonly capabilities: StoreCapabilities;
  /** The number of the log that a stream lies in: this one's, where it is not several as one. */
  logOf(stream: string): number;
  /** One outcome a request, in order. Rejects with StoreError `store.outcome_unknown` when the COMMIT's answer was lost: repeat with the same ids. */
  append(requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]>;
  /** Looks at requests that will be appended soon, the very objects, so that their append has less to do. Records nothing, refuses nothing. */
  prepare?(requests: readonly AppendRequest[]): void;
  /**
   * Each named stream's events in order, in their newest version; an empty array for a stream that does not exist. Of a
   * stream that `after` names, only those with a higher revision.
   */
  readStreams(
    streams: readonly string[],
    after?: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, readonly RecordedEvent[]>>;
  /** The ids of those that are not the last of their stream: it has gone on, or is not the stream that was remembered. */
  outdated(lastEvents: readonly LastEvent[]): Promise<ReadonlySet<string>>;
  /** Events after a position in order, about `limit` of them: a request is never cut. `types` filters, while `through` still moves. */
  readLog(query: LogQuery): Promise<LogSlice>;
  /** The last visible position, 0 for an empty log. */
  head(): Promise<number>;
  /** Resolves true once the head is past `after`, false after `timeoutMs` (real clock) or when `signal` aborts. */
  waitForAppend(after: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

export class StoreError extends Error {
  constructor(
    readonly code: 'store.outcome_unknown' | 'store.unavailable' | 'store.invalid_request' | 'store.id_in_other_stream',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StoreError';
  }
}
