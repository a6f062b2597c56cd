import {
  type AppendRequest,
  type EventLog,
  type NewEvent,
  type RecordedEvent,
  StoreError,
  toNewEvent,
} from '@tsunagu/event-store';
import { isoTime, newId } from '@tsunagu/kernel';

const repetitionsMax = 4;
const firstPauseMs = 50;

/** What a person does by signing in: first acts, each with an id of its own. Persons belong to no owner. */
export function actOf(
  event: { readonly type: string; readonly data: { readonly personId: string } },
  nowMs: number,
  correlationId: string,
): NewEvent {
  return toNewEvent(event, {
    id: newId(nowMs),
    effectiveAt: isoTime(nowMs),
    correlationId,
    causationId: null,
    actor: `person:${event.data.personId}`,
    ownerId: null,
  });
}

/** Appends one request and says whether it is recorded; false: somebody else wrote first. An unknown outcome is asked for again with the same ids. */
export async function appendOne(log: EventLog, request: AppendRequest): Promise<boolean> {
  for (let repetition = 0; ; repetition += 1) {
    try {
      const [outcome] = await log.append([request]);
      return outcome !== undefined && outcome.outcome !== 'conflict';
    } catch (error) {
      const unknown = error instanceof StoreError && error.code === 'store.outcome_unknown';
      if (!unknown || repetition >= repetitionsMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, firstPauseMs * 2 ** repetition));
    }
  }
}

/** A stream's events as the domain knows them: what lies in a stream of this service was written by it. */
export function domainEvents<E>(streams: ReadonlyMap<string, readonly RecordedEvent[]>, stream: string): readonly E[] {
  return (streams.get(stream) ?? []) as unknown as readonly E[];
}

export function revisionOf(
  streams: ReadonlyMap<string, readonly RecordedEvent[]>,
  stream: string,
): number | 'noStream' {
  return streams.get(stream)?.at(-1)?.revision ?? 'noStream';
}
