import { setTimeout as pause } from 'node:timers/promises';
import {
  type AppendOutcome,
  type AppendRequest,
  type EventLog,
  type NewEvent,
  StoreError,
  toNewEvent,
} from '@tsunagu/event-store';

/** A lost COMMIT answer is asked for so often, with 50 ms more each time: about 3 s, then it is an outage. */
const REPEATS_MAX = 10;

/** Appends; where the COMMIT's answer was lost, repeats with the same ids until the outcome is known. */
export async function record(log: EventLog, requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
  for (let repeat = 1; ; repeat += 1) {
    try {
      return await log.append(requests);
    } catch (error) {
      const unknown = error instanceof StoreError && error.code === 'store.outcome_unknown';
      if (!unknown || repeat > REPEATS_MAX) throw error;
      await pause(repeat * 50);
    }
  }
}

/** What a consumed event hands on to the events that answer it. */
export interface Cause {
  readonly id: string | null;
  readonly correlationId: string;
}

/** An event of the ledger: acts of its own are by `service:point-ledger`, a staff member's by that person. */
export function ledgerEvent(
  event: { readonly type: string; readonly data: unknown },
  meta: {
    readonly id: string;
    readonly cause: Cause;
    readonly effectiveAt: string;
    readonly ownerId: string | null;
    readonly actor?: string;
    readonly reads?: Readonly<Record<string, number>>;
  },
): NewEvent {
  const { cause, actor = 'service:point-ledger', ...rest } = meta;
  return toNewEvent(event, { ...rest, actor, correlationId: cause.correlationId, causationId: cause.id });
}

/** A contest that other writers keep winning: an outage, so the feed brings the work again. */
export function contested(message: string): StoreError {
  return new StoreError('store.unavailable', message);
}

/** Expected revision of a stream that was read up to `revision`, −1 where it did not exist. */
export function expected(revision: number): 'noStream' | number {
  return revision < 0 ? 'noStream' : revision;
}
