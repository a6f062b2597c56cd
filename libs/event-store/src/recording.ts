import { setTimeout as pause } from 'node:timers/promises';
import { derivedId } from '@tsunagu/kernel';
import {
  type AppendOutcome,
  type AppendRequest,
  type EventLog,
  type ExpectedRevision,
  type NewEvent,
  type RecordedEvent,
  StoreError,
} from './contract.js';
import { toNewEvent } from './new-event.js';

/** A lost COMMIT answer is asked for so often, with 50 ms more each time: about 3 s, then it is an outage. */
const REPEATS_MAX = 10;

/** Appends; where the COMMIT's answer was lost, repeats with the same ids until the outcome is known. Rejects as `append` does. */
export async function appendSurely(
  log: EventLog,
  requests: readonly AppendRequest[],
): Promise<readonly AppendOutcome[]> {
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

/** Appends one request and says whether it is recorded now; false: another writer was first. */
export async function appendOne(log: EventLog, request: AppendRequest): Promise<boolean> {
  const [outcome] = await appendSurely(log, [request]);
  return outcome !== undefined && outcome.outcome !== 'conflict';
}

/** What a service does of its own accord in answer to a recorded event: the id follows from that event's, so it happens once. */
export function answerTo(
  cause: RecordedEvent,
  event: { readonly type: string; readonly data: unknown },
  { at, actor, part = '' }: { readonly at: string; readonly actor: string; readonly part?: string },
): NewEvent {
  return toNewEvent(event, {
    id: derivedId(`${event.type}${part}`, cause.id),
    effectiveAt: at,
    correlationId: cause.correlationId,
    causationId: cause.id,
    actor,
    ownerId: cause.ownerId,
  });
}

/** The expected revision of a stream as it was read. */
export function expectedRevision(events: readonly RecordedEvent[] | undefined): ExpectedRevision {
  return events?.at(-1)?.revision ?? 'noStream';
}

/** A stream's events as the domain knows them. What lies in a stream of a service was written by that service. */
export function domainEvents<E>(events: readonly RecordedEvent[] | undefined): readonly (RecordedEvent & E)[] {
  return (events ?? []) as readonly (RecordedEvent & E)[];
}
