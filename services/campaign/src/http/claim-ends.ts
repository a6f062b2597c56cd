import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { EventLog, RecordedEvent } from '@tsunagu/event-store';
import { EVENT_LOG } from '@tsunagu/service-host';

const BATCH_EVENTS = 1_000;
const POLL_MS = 1_000;
const RETRY_MS = 250;
const ends = ['ClaimGranted', 'ClaimRefused', 'ClaimCancelled'];

export interface Watch {
  /** Resolves when the claim reaches an end state after the watch began, after `timeoutMs`, or when the service stops. */
  ended(timeoutMs: number): Promise<void>;
  close(): void;
}

/**
 * Tells callers with `Prefer: wait` that their claim has ended. One reader follows the log for all of them, and only while
 * somebody waits, so that ten thousand waiting callers do not read ten thousand streams at every commit.
 */
@Injectable()
export class ClaimEnds implements OnModuleDestroy {
  private readonly waiting = new Map<string, Set<() => void>>();
  private readonly stopping = new AbortController();
  /** Resolves once the reader stands at the head; undefined while nobody reads. */
  private reading: Promise<void> | undefined;

  constructor(@Inject(EVENT_LOG) private readonly log: EventLog) {}

  /** Begins before the caller looks at the claim: an end is seen by the look or by the watch. */
  async watch(claimId: string): Promise<Watch> {
    let wake = () => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const watchers = this.waiting.get(claimId) ?? new Set();
    this.waiting.set(claimId, watchers.add(wake));
    const close = () => {
      watchers.delete(wake);
      if (watchers.size === 0 && this.waiting.get(claimId) === watchers) this.waiting.delete(claimId);
    };
    this.reading ??= this.startReading();
    try {
      await this.reading;
    } catch (error) {
      close();
      throw error;
    }
    return { ended: (timeoutMs) => withTimeout(woken, timeoutMs), close };
  }

  onModuleDestroy(): void {
    this.stopping.abort();
    for (const watchers of this.waiting.values()) for (const wake of watchers) wake();
  }

  private async startReading(): Promise<void> {
    try {
      void this.follow(await this.log.head());
    } catch (error) {
      this.reading = undefined;
      throw error;
    }
  }

  private async follow(from: number): Promise<void> {
    let after = from;
    while (this.waiting.size > 0 && !this.stopping.signal.aborted) {
      try {
        if (!(await this.log.waitForAppend(after, POLL_MS, this.stopping.signal))) continue;
        const slice = await this.log.readLog({ after, limit: BATCH_EVENTS, types: ends });
        for (const event of slice.events as readonly RecordedEvent<string, { claimId: string }>[]) {
          for (const wake of this.waiting.get(event.data.claimId) ?? []) wake();
        }
        after = slice.through;
      } catch {
        // The log cannot be read now; callers have a limit of their own.
        await withTimeout(new Promise(() => {}), RETRY_MS);
      }
    }
    this.reading = undefined;
  }
}

async function withTimeout(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
