import { type AppendOutcome, StoreError } from '../contract.js';
import type { Evaluated } from '../evaluate.js';
import type { CheckedRequest } from '../requests.js';

const BATCH_EVENTS = 1_000;
/** A second batch goes out beside one under way only when it is at least this full: small ones wait and grow. */
const SECOND_BATCH_EVENTS = 64;
const CONNECTIONS = 2;
const QUEUED_EVENTS_MAX = 200_000;

interface Call {
  readonly requests: readonly CheckedRequest[];
  readonly eventCount: number;
  readonly resolve: (outcomes: readonly AppendOutcome[]) => void;
  readonly reject: (error: StoreError) => void;
}

/**
 * Group commit: the calls that arrive while a batch commits make up the next one. No added wait when idle. A call is
 * never split, so a batch exceeds 1,000 events only for a call that does.
 */
export class AppendQueue {
  static readonly connections = CONNECTIONS;
  private calls: Call[] = [];
  private queuedEvents = 0;
  private underWay = 0;
  private closed = false;
  private drained: (() => void) | undefined;

  constructor(private readonly commit: (requests: readonly CheckedRequest[]) => Promise<readonly Evaluated[]>) {}

  append(requests: readonly CheckedRequest[]): Promise<readonly AppendOutcome[]> {
    if (requests.length === 0) return Promise.resolve([]);
    if (this.closed) return Promise.reject(new StoreError('store.unavailable', 'the event store is closed'));
    if (this.queuedEvents > QUEUED_EVENTS_MAX) {
      return Promise.reject(new StoreError('store.unavailable', 'too many events wait to be appended'));
    }
    let eventCount = 0;
    for (const request of requests) eventCount += request.eventCount;
    return new Promise((resolve, reject) => {
      this.calls.push({ requests, eventCount, resolve, reject });
      this.queuedEvents += eventCount;
      // After the present tick, so that callers of one tick share a batch.
      if (this.calls.length === 1) queueMicrotask(() => this.pump());
      else if (this.queuedEvents >= BATCH_EVENTS) this.pump();
    });
  }

  /** Refuses further calls and resolves when those accepted are answered. */
  close(): Promise<void> {
    this.closed = true;
    if (this.underWay === 0 && this.calls.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.drained = resolve;
    });
  }

  private pump(): void {
    while (this.calls.length > 0 && this.underWay < CONNECTIONS) {
      if (this.underWay > 0 && this.queuedEvents < SECOND_BATCH_EVENTS) return;
      void this.run(this.takeBatch());
    }
  }

  private takeBatch(): readonly Call[] {
    // With nothing under way, half of what waits: the answers to one half are worked on while the other is recorded.
    const both = this.underWay === 0 && this.queuedEvents >= 2 * SECOND_BATCH_EVENTS;
    const most = both ? Math.min(BATCH_EVENTS, Math.ceil(this.queuedEvents / 2)) : BATCH_EVENTS;
    let events = 0;
    let count = 0;
    for (const call of this.calls) {
      if (count > 0 && events + call.eventCount > most) break;
      events += call.eventCount;
      count += 1;
    }
    this.queuedEvents -= events;
    return this.calls.splice(0, count);
  }

  private async run(batch: readonly Call[]): Promise<void> {
    this.underWay += 1;
    const requests = batch.flatMap((call) => call.requests);
    const evaluated = await this.commit(requests);
    this.underWay -= 1;
    this.pump();
    let next = 0;
    for (const call of batch) {
      answer(call, evaluated.slice(next, next + call.requests.length));
      next += call.requests.length;
    }
    if (this.underWay === 0 && this.calls.length === 0) this.drained?.();
  }
}

/** A request's exception rejects its own call only; the call's other requests have taken effect all the same. */
function answer(call: Call, evaluated: readonly Evaluated[]): void {
  const outcomes: AppendOutcome[] = [];
  for (const outcome of evaluated) {
    if (outcome instanceof StoreError) {
      call.reject(outcome);
      return;
    }
    outcomes.push(outcome);
  }
  call.resolve(outcomes);
}
