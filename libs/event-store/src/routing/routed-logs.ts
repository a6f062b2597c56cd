import {
  type AppendOutcome,
  type AppendRequest,
  type EventLog,
  type LastEvent,
  type LogSlice,
  type RecordedEvent,
  type StoreCapabilities,
  StoreError,
} from '../contract.js';

/** What the name of a stream says of where it lies: with a key, or in a log of its own choice. */
export type StreamPlace = { readonly key: string } | { readonly log: number };

/** Says where keys lie. */
export interface Routes {
  /** Undefined for a key whose time is past what is known of the routing table. */
  logOf(key: string): number | undefined;
  /** Learns the table as it is now. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface RoutedLogsOptions {
  /** In number order: the log at place n is log n. */
  readonly logs: readonly EventLog[];
  readonly routes: Routes;
  readonly placeOf: (stream: string) => StreamPlace;
}

/**
 * Several logs as one store of streams. Streams are found and written wherever they lie; what is about the order of a log
 * (`readLog`, `head`, `waitForAppend`) is asked of a single log, and of this store only where it has no more than one.
 */
export class RoutedLogs implements EventLog {
  readonly log = 0;
  readonly capabilities: StoreCapabilities;
  readonly logs: readonly EventLog[];

  constructor(private readonly options: RoutedLogsOptions) {
    this.logs = options.logs;
    const every = (name: keyof StoreCapabilities) => this.logs.every(({ capabilities }) => capabilities[name]);
    this.capabilities = {
      gapFree: every('gapFree'),
      idsForEver: every('idsForEver'),
      atomicStreams: every('atomicStreams'),
    };
  }

  /**
   * The number of the log that a stream lies in. Throws StoreError `store.unavailable` for a key from later than the
   * routing table is known for, which reading or appending asks for again first.
   */
  logOf(stream: string): number {
    const log = this.known(stream);
    if (log === undefined) {
      throw new StoreError('store.unavailable', `${stream} is of a time for which the routing table is not known yet`);
    }
    return log;
  }

  /**
   * One outcome a request, in order. The requests of each log take effect in the order given; different logs append at the
   * same time. Where one log fails the call rejects, though the requests of others may have taken effect: as after a lost
   * COMMIT answer, the same ids can be repeated. A request over two logs is an exception.
   */
  async append(requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    await this.learn(requests.flatMap(({ writes }) => writes.map(({ stream }) => stream)));
    const shares = grouped(requests, (request) => this.logOfRequest(request));
    const [only] = shares;
    if (shares.size <= 1) return this.open(only?.[0] ?? 0).append(requests);
    const outcomes: AppendOutcome[] = new Array(requests.length);
    const appends = [...shares].map(async ([log, share]) => {
      const answers = await this.open(log).append(share.map(({ item }) => item));
      share.forEach(({ index }, n) => {
        const answer = answers[n];
        if (answer) outcomes[index] = answer;
      });
    });
    for (const failure of failuresOf(await Promise.allSettled(appends))) throw failure;
    return outcomes;
  }

  prepare(requests: readonly AppendRequest[]): void {
    for (const request of requests) {
      const [write] = request.writes;
      const log = write && this.known(write.stream);
      if (log !== undefined) this.logs[log]?.prepare?.([request]);
    }
  }

  /** Each log is read in one snapshot, the logs at nearly the same time. */
  async readStreams(
    streams: readonly string[],
    after?: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
    await this.learn(streams);
    const shares = grouped(streams, (stream) => this.logOf(stream));
    const [only] = shares;
    if (shares.size <= 1) return this.open(only?.[0] ?? 0).readStreams(streams, after);
    const reads = [...shares].map(([log, share]) =>
      this.open(log).readStreams(
        share.map(({ item }) => item),
        after,
      ),
    );
    return new Map((await Promise.all(reads)).flatMap((found) => [...found]));
  }

  async outdated(lastEvents: readonly LastEvent[]): Promise<ReadonlySet<string>> {
    await this.learn(lastEvents.map(({ stream }) => stream));
    const shares = grouped(lastEvents, ({ stream }) => this.logOf(stream));
    const asked = [...shares].map(([log, share]) => this.open(log).outdated(share.map(({ item }) => item)));
    return new Set((await Promise.all(asked)).flatMap((ids) => [...ids]));
  }

  async readLog(query: Parameters<EventLog['readLog']>[0]): Promise<LogSlice> {
    return this.single('readLog').readLog(query);
  }

  async head(): Promise<number> {
    return this.single('head').head();
  }

  async waitForAppend(after: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.single('waitForAppend').waitForAppend(after, timeoutMs, signal);
  }

  async close(): Promise<void> {
    await this.options.routes.close();
    await Promise.all(this.logs.map((log) => log.close()));
  }

  /** Asks for the table once more where a key is newer than what is known of it. */
  private async learn(streams: readonly string[]): Promise<void> {
    if (streams.some((stream) => this.known(stream) === undefined)) await this.options.routes.refresh();
  }

  private known(stream: string): number | undefined {
    const place = this.options.placeOf(stream);
    return 'log' in place ? place.log : this.options.routes.logOf(place.key);
  }

  private logOfRequest({ writes }: AppendRequest): number {
    const logs = new Set(writes.map(({ stream }) => this.logOf(stream)));
    const [log = 0, another] = logs;
    if (another === undefined) return log;
    throw new StoreError('store.invalid_request', `one request writes to the logs ${[...logs].join(' and ')}`);
  }

  private open(log: number): EventLog {
    const found = this.logs[log];
    if (found) return found;
    throw new StoreError('store.unavailable', `log ${log} is not open in this process: LEDGER_LOGS must name it`);
  }

  private single(asked: string): EventLog {
    const [log] = this.logs;
    if (log && this.logs.length === 1) return log;
    throw new Error(`${asked} of a store of ${this.logs.length} logs: they have no common order, ask one of them`);
  }
}

interface Shared<T> {
  readonly item: T;
  readonly index: number;
}

function grouped<T>(items: readonly T[], logOf: (item: T) => number): Map<number, Shared<T>[]> {
  const groups = new Map<number, Shared<T>[]>();
  items.forEach((item, index) => {
    const log = logOf(item);
    const group = groups.get(log);
    if (group) group.push({ item, index });
    else groups.set(log, [{ item, index }]);
  });
  return groups;
}

/** A lost answer first: the caller that repeats learns all the others by it. */
function failuresOf(results: readonly PromiseSettledResult<unknown>[]): unknown[] {
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const isLost = (error: unknown) => error instanceof StoreError && error.code === 'store.outcome_unknown';
  return [...failures.filter(isLost), ...failures.filter((error) => !isLost(error))];
}
