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
} from './contract.js';
import { evaluate } from './evaluate.js';
import { HeadWatch } from './head-watch.js';
import { type CheckedRequest, checkRequest } from './requests.js';

/** A log in memory, for unit specs and simulators. The same contract, gone with the process. */
export class MemoryEventLog implements EventLog {
  readonly capabilities: StoreCapabilities;
  private readonly events: RecordedEvent[] = [];
  private readonly streams = new Map<string, RecordedEvent[]>();
  private readonly byId = new Map<string, RecordedEvent>();
  private readonly watch = new HeadWatch();
  private lastMs = 0;

  constructor(
    private readonly clock: Clock,
    readonly log = 0,
    private readonly versions?: EventVersions,
    /** How many of the last events' ids it knows, for specs of what has to hold on a store that forgets. */
    private readonly idsRemembered = Number.POSITIVE_INFINITY,
  ) {
    this.capabilities = { gapFree: true, idsForEver: idsRemembered === Number.POSITIVE_INFINITY, atomicStreams: true };
  }

  logOf(): number {
    return this.log;
  }

  async append(requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    const checked = requests.map((request) => checkRequest(request, this.versions));
    const evaluated = evaluate(checked, {
      head: this.events.length,
      positionOf: (id) => this.remembered(id),
      revisionOf: (stream) => (this.streams.get(stream)?.length ?? 0) - 1,
    });
    this.lastMs = Math.max(this.lastMs, this.clock.now());
    checked.forEach((request, index) => {
      const outcome = evaluated[index];
      if (!(outcome instanceof StoreError) && outcome?.outcome === 'appended') this.record(request);
    });
    this.watch.observe(this.events.length);
    return evaluated.map((outcome) => {
      if (outcome instanceof StoreError) throw outcome;
      return outcome;
    });
  }

  async readStreams(
    streams: readonly string[],
    after?: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
    const wanted = (stream: string) => this.streams.get(stream)?.slice((after?.get(stream) ?? -1) + 1) ?? [];
    return new Map(streams.map((stream) => [stream, this.newest(wanted(stream))]));
  }

  async outdated(lastEvents: readonly LastEvent[]): Promise<ReadonlySet<string>> {
    const isLast = ({ stream, revision, id }: LastEvent) => {
      const last = this.streams.get(stream)?.at(-1);
      return last?.revision === revision && last.id === id;
    };
    return new Set(lastEvents.filter((last) => !isLast(last)).map(({ id }) => id));
  }

  async readLog(query: LogQuery): Promise<LogSlice> {
    const events: RecordedEvent[] = [];
    let through = query.after;
    for (const event of this.events.slice(query.after)) {
      const sameRequest = event.requestId === this.events[through - 1]?.requestId;
      if (events.length >= query.limit && !sameRequest) break;
      through = event.position;
      if (query.types && !query.types.includes(event.type)) continue;
      if (query.stream !== undefined && event.stream !== query.stream) continue;
      events.push(event);
    }
    return { events: query.form === 'recorded' ? events : this.newest(events), through };
  }

  async head(): Promise<number> {
    return this.events.length;
  }

  waitForAppend(after: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.watch.wait(after, timeoutMs, signal);
  }

  async close(): Promise<void> {
    this.watch.close();
  }

  private remembered(id: string): RecordedEvent | undefined {
    const event = this.byId.get(id);
    return event && event.position > this.events.length - this.idsRemembered ? event : undefined;
  }

  private newest(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
    return events.map((event) => this.versions?.upcast(event) ?? event);
  }

  private record(request: CheckedRequest): void {
    for (const { stream, events } of request.writes) {
      const recordedBefore = this.streams.get(stream) ?? [];
      this.streams.set(stream, recordedBefore);
      for (const { event, schemaVersion, data, reads } of events) {
        const recorded: RecordedEvent = {
          ...event,
          schemaVersion,
          // What a caller does to its objects afterwards must not reach the log.
          data: JSON.parse(data),
          ...(reads === '' ? {} : { reads: JSON.parse(reads) }),
          log: this.log,
          position: this.events.length + 1,
          stream,
          revision: recordedBefore.length,
          requestId: request.requestId,
          recordedAt: isoTime(this.lastMs),
        };
        recordedBefore.push(recorded);
        this.events.push(recorded);
        this.byId.set(event.id, recorded);
      }
    }
  }
}
