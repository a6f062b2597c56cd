import { setTimeout as pause } from 'node:timers/promises';
import {
  type AppendOutcome,
  type AppendRequest,
  type EventLog,
  type ExpectedRevision,
  type NewEvent,
  type RecordedEvent,
  StoreError,
  toNewEvent,
} from '@tsunagu/event-store';
import { derivedId } from '@tsunagu/kernel';

/** A lost COMMIT answer is asked for again so often, 50 ms later each time; then it is an outage. */
const repeatsMax = 8;

/** Appends one request; where the answer of the commit was lost, again with the same ids. False: another writer was first. */
export async function record(log: EventLog, request: AppendRequest): Promise<boolean> {
  for (let repeat = 1; ; repeat += 1) {
    try {
      const [outcome] = (await log.append([request])) as readonly [AppendOutcome];
      return outcome.outcome !== 'conflict';
    } catch (error) {
      const unknown = error instanceof StoreError && error.code === 'store.outcome_unknown';
      if (!unknown || repeat > repeatsMax) throw error;
      await pause(repeat * 50);
    }
  }
}

/** What the service does of its own accord in answer to a recorded event: its id follows from that event's. */
export function answerTo(
  cause: RecordedEvent,
  event: { readonly type: string; readonly data: unknown },
  at: string,
  part = '',
): NewEvent {
  return toNewEvent(event, {
    id: derivedId(`${event.type}${part}`, cause.id),
    effectiveAt: at,
    correlationId: cause.correlationId,
    causationId: cause.id,
    actor: 'service:service-link',
    ownerId: cause.ownerId,
  });
}

/** The expected revision of a stream as it was read. */
export function expectedRevision(events: readonly RecordedEvent[]): ExpectedRevision {
  return events.at(-1)?.revision ?? 'noStream';
}

/** What lies in a stream of this service was written by this service. */
export function domainEvents<E>(events: readonly RecordedEvent[] | undefined): readonly (RecordedEvent & E)[] {
  return (events ?? []) as readonly (RecordedEvent & E)[];
}
