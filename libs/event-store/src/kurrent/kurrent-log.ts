import { randomUUID } from 'node:crypto';
import { type Clock, type EventVersions, isoTime } from '@tsunagu/kernel';
import {
  type AppendOutcome,
  type AppendRequest,
  type EventLog,
  type LastEvent,
  type LogQuery,
  type LogSlice,
  type RecordedEvent,
  type StoreCapabilities,
  StoreError,
} from '../contract.js';
import { evaluate } from '../evaluate.js';
import { HeadWatch } from '../head-watch.js';
import { type CheckedRequest, checkRequest } from '../requests.js';
import type { KurrentClient, KurrentRecord, KurrentState } from './client.js';
import { isConflict, isNoStream, readFailure, writeFailure } from './failure.js';
import { appendsToSeveral, fromKurrent, toKurrent } from './mapping.js';
import { Ordinals } from './ordinals.js';

const POLL_INTERVAL_MS = 250;
/** Other writers may be first so often before it is an outage. */
const RACES_MAX = 50;
const READ_LIMIT_MAX = 10_000;

export interface OpenKurrentLog {
  readonly client: KurrentClient;
  readonly clock: Clock;
  /** Names of the log's streams begin with it and a point; several logs share a server. */
  readonly name: string;
  readonly log?: number;
  readonly versions?: EventVersions | undefined;
}

/**
 * A log in KurrentDB or EventStoreDB. Positions are the reader's count (Ordinals); event ids are known as long as they are
 * recent; requests over several streams need a server of 25.1 or later. The client is the caller's.
 */
export class KurrentEventLog implements EventLog {
  readonly log: number;
  private readonly watch = new HeadWatch();
  private readonly ordinals: Ordinals;
  /** Appends of this process take effect one after another. */
  private last: Promise<unknown> = Promise.resolve();
  private pollTimer: NodeJS.Timeout | undefined;
  private closed = false;

  private constructor(
    private readonly opened: OpenKurrentLog,
    readonly capabilities: StoreCapabilities,
  ) {
    this.log = opened.log ?? 0;
    this.ordinals = new Ordinals(opened.client, `${opened.name}.`);
  }

  /** Opens the log and counts its events from the beginning. Throws StoreError `store.unavailable`. */
  static async open(options: OpenKurrentLog): Promise<KurrentEventLog> {
    try {
      const { serverVersion } = await options.client.capabilities;
      const atomicStreams = appendsToSeveral(serverVersion);
      const log = new KurrentEventLog(options, { gapFree: false, idsForEver: false, atomicStreams });
      await log.catchUp();
      return log;
    } catch (error) {
      throw readFailure(error);
    }
  }

  logOf(): number {
    return this.log;
  }

  async append(requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    const checked = requests.map((request) => checkRequest(request, this.opened.versions));
    for (const { writes } of checked) {
      if (writes.length > 1 && !this.capabilities.atomicStreams)
        throw new StoreError('store.invalid_request', 'this server writes one stream a request: it is older than 25.1');
    }
    const turn = this.last.then(() => this.appendInOrder(checked));
    this.last = turn.catch(() => undefined);
    const outcomes = await turn;
    return outcomes.map((outcome) => {
      if (outcome instanceof StoreError) throw outcome;
      return outcome;
    });
  }

  /** What `after` leaves out is read all the same: ordinals are given to whole streams. */
  async readStreams(
    streams: readonly string[],
    after?: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
    const found = new Map<string, readonly RecordedEvent[]>();
    for (const stream of new Set(streams)) {
      const events = await this.readStream(stream);
      found.set(stream, this.newest(events.slice((after?.get(stream) ?? -1) + 1)));
    }
    return found;
  }

  async outdated(lastEvents: readonly LastEvent[]): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    for (const { stream, revision, id } of lastEvents) {
      const last = (await this.readStream(stream)).at(-1);
      if (last?.revision !== revision || last.id !== id) ids.add(id);
    }
    return ids;
  }

  async readLog(query: LogQuery): Promise<LogSlice> {
    const limit = Math.min(Math.max(1, query.limit), READ_LIMIT_MAX);
    const slice = await (query.stream === undefined
      ? this.readRange(query, limit)
      : this.readStreamOfLog(query, query.stream, limit));
    return query.form === 'recorded' ? slice : { ...slice, events: this.newest(slice.events) };
  }

  async head(): Promise<number> {
    await this.catchUp();
    return this.ordinals.head;
  }

  async waitForAppend(after: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const reached = this.watch.wait(after, timeoutMs, signal);
    if (this.watch.waiting > 0) this.startPolling();
    return reached;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.last;
    clearTimeout(this.pollTimer);
    this.watch.close();
  }

  private async appendInOrder(requests: readonly CheckedRequest[]): Promise<readonly (AppendOutcome | StoreError)[]> {
    const outcomes: (AppendOutcome | StoreError)[] = [];
    await this.catchUp();
    for (const request of requests) outcomes.push(await this.appendOne(request));
    return outcomes;
  }

  private async appendOne(request: CheckedRequest): Promise<AppendOutcome | StoreError> {
    for (let race = 0; race < RACES_MAX; race += 1) {
      const [outcome] = evaluate([request], {
        head: this.ordinals.head,
        positionOf: (id) => this.ordinals.recentlyRecorded(id),
        revisionOf: (stream) => this.ordinals.revisionOf(stream),
      });
      if (!outcome) throw new Error('a request has an outcome');
      if (outcome instanceof StoreError || outcome.outcome !== 'appended') return outcome;
      const attempt = randomUUID();
      if (await this.write(request, attempt)) return this.appended(request, attempt);
      await this.catchUp();
    }
    throw new StoreError('store.unavailable', 'the streams of a request kept changing');
  }

  /** False where another writer was first. */
  private async write({ writes, requestId }: CheckedRequest, attempt: string): Promise<boolean> {
    const facts = { requestId, attempt, recordedAt: isoTime(this.opened.clock.now()) };
    const requests = writes.map(({ stream, expectedRevision, events }) => ({
      streamName: this.ordinals.prefix + stream,
      expectedState: stateOf(expectedRevision),
      events: events.map((event) => toKurrent(event, facts)),
    }));
    const [first] = requests;
    try {
      if (first && requests.length === 1) {
        await this.opened.client.appendToStream(first.streamName, first.events, { streamState: first.expectedState });
      } else await this.opened.client.multiStreamAppend(requests);
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw writeFailure(error);
    }
  }

  /** The server has said yes, to this try or to an equal one of another process: the record says whose it was. */
  private async appended(request: CheckedRequest, attempt: string): Promise<AppendOutcome> {
    await this.catchUp().catch((error: unknown) => {
      throw writeFailure(error);
    });
    const events = request.writes.flatMap((write) => write.events);
    const recorded = events.map(({ event }) => this.ordinals.recentlyRecorded(event.id));
    const positions = recorded.map((found) => {
      if (!found) throw new StoreError('store.outcome_unknown', 'what was appended is not to be read yet');
      return found.position;
    });
    return { outcome: recorded.every((found) => found?.attempt === attempt) ? 'appended' : 'duplicate', positions };
  }

  private async readStream(stream: string): Promise<readonly RecordedEvent[]> {
    const records: KurrentRecord[] = [];
    try {
      const options = { direction: 'forwards', requiresLeader: true } as const;
      for await (const { event } of this.opened.client.readStream(this.ordinals.prefix + stream, options)) {
        if (event) records.push(event);
      }
    } catch (error) {
      if (!isNoStream(error)) throw readFailure(error);
    }
    if (records.length > this.ordinals.revisionOf(stream) + 1) await this.catchUp();
    return records.map((record) => this.recorded(record, this.ordinals.ordinalOf(stream, Number(record.revision))));
  }

  /** The whole stream is read; `through` is the head unless the limit cut it. */
  private async readStreamOfLog({ after, types }: LogQuery, stream: string, limit: number): Promise<LogSlice> {
    const head = await this.head();
    const wanted = (await this.readStream(stream)).filter(
      ({ position, type }) => position > after && position <= head && (types?.includes(type) ?? true),
    );
    const end = wanted[limit - 1];
    const cut = end && wanted.findIndex((event, index) => index >= limit && event.requestId !== end.requestId);
    if (cut === undefined || cut === -1) return { events: wanted, through: Math.max(after, head) };
    const events = wanted.slice(0, cut);
    return { events, through: events.at(-1)?.position ?? after };
  }

  private async readRange({ after, types }: LogQuery, limit: number): Promise<LogSlice> {
    const head = await this.head();
    const events: RecordedEvent[] = [];
    let through = after;
    let request: string | undefined;
    try {
      if (after >= head) return { events, through };
      for await (const { record, position } of this.ordinals.after(after)) {
        if (position > head) break;
        const event = this.recorded(record, position);
        if (events.length >= limit && event.requestId !== request) break;
        through = position;
        request = event.requestId;
        if (types?.includes(event.type) ?? true) events.push(event);
      }
      return { events, through };
    } catch (error) {
      throw readFailure(error);
    }
  }

  private recorded(record: KurrentRecord, position: number | undefined): RecordedEvent {
    if (position === undefined) throw new Error(`${record.streamId}@${record.revision} is not counted`);
    const place = { log: this.log, position, recordedAt: this.ordinals.recordedAt(position) };
    return fromKurrent(record, this.ordinals.prefix, place);
  }

  private newest(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
    const { versions } = this.opened;
    return versions ? events.map((event) => versions.upcast(event)) : events;
  }

  private async catchUp(): Promise<void> {
    try {
      await this.ordinals.catchUp();
    } catch (error) {
      throw readFailure(error);
    }
    this.watch.observe(this.ordinals.head);
  }

  /** While anyone waits: looks every 250 ms for what other processes append. */
  private startPolling(): void {
    if (this.pollTimer || this.closed) return;
    const poll = async () => {
      await this.catchUp().catch(() => undefined);
      this.pollTimer = this.watch.waiting > 0 && !this.closed ? setTimeout(poll, POLL_INTERVAL_MS) : undefined;
    };
    this.pollTimer = setTimeout(poll, 0);
  }
}

function stateOf(expectedRevision: number): KurrentState {
  return expectedRevision === -1 ? 'no_stream' : BigInt(expectedRevision);
}
