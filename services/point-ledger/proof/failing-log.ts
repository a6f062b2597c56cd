import { type AppendOutcome, type AppendRequest, type EventLog, type LogSlice, StoreError } from '@tsunagu/event-store';

/** The process is gone: nothing that it does from here on reaches anything. */
export class Crashed extends Error {}

export const faultKinds = [
  /** The process ends before its call reaches the log. */
  'crash_before',
  /** The process ends when its call is done and before it hears of it. */
  'crash_after',
  /** The call is done, the answer is lost. */
  'answer_lost',
  /** The call is lost on its way; the caller cannot tell this from a lost answer. */
  'question_lost',
  /** The log says that it does nothing just now. */
  'unavailable',
] as const;

/** What goes wrong at the process's call number `at` of a step, counted from 0. */
export interface Fault {
  readonly kind: (typeof faultKinds)[number];
  readonly at: number;
}

/** One process's way to the log: calls wait for their turn, and some fail as they were told to. */
export class FailingLog implements EventLog {
  private faults: readonly Fault[] = [];
  private turn: () => Promise<void> = async () => {};
  private calls = 0;
  private isDead = false;

  constructor(private readonly inner: EventLog) {}

  get log(): number {
    return this.inner.log;
  }

  logOf(stream: string): number {
    return this.inner.logOf(stream);
  }

  get capabilities() {
    return this.inner.capabilities;
  }

  /** For the step that begins. */
  arm(faults: readonly Fault[], turn: () => Promise<void>): void {
    this.faults = faults;
    this.turn = turn;
    this.calls = 0;
  }

  append(requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    return this.pass('store.outcome_unknown', () => this.inner.append(requests));
  }

  readStreams(streams: readonly string[], after?: ReadonlyMap<string, number>) {
    return this.pass('store.unavailable', () => this.inner.readStreams(streams, after));
  }

  outdated(lastEvents: Parameters<EventLog['outdated']>[0]) {
    return this.pass('store.unavailable', () => this.inner.outdated(lastEvents));
  }

  readLog(query: Parameters<EventLog['readLog']>[0]): Promise<LogSlice> {
    return this.pass('store.unavailable', () => this.inner.readLog(query));
  }

  head(): Promise<number> {
    return this.pass('store.unavailable', () => this.inner.head());
  }

  waitForAppend(after: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.inner.waitForAppend(after, timeoutMs, signal);
  }

  async close(): Promise<void> {}

  private async pass<T>(whenLost: StoreError['code'], call: () => Promise<T>): Promise<T> {
    if (!this.isDead) await this.turn();
    if (this.isDead) throw new Crashed();
    const kind = this.faults.find(({ at }) => at === this.calls)?.kind;
    this.calls += 1;
    if (kind === 'crash_before') this.die();
    if (kind === 'unavailable') throw new StoreError('store.unavailable', 'as planned');
    if (kind === 'question_lost') throw new StoreError(whenLost, 'as planned');
    const answer = await call();
    if (kind === 'crash_after') this.die();
    if (kind === 'answer_lost') throw new StoreError(whenLost, 'as planned');
    return answer;
  }

  private die(): never {
    this.isDead = true;
    throw new Crashed();
  }
}
