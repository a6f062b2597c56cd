import { type NewEvent, type RecordedEvent, toNewEvent } from '@tsunagu/event-store';
import { isoTime, newId } from '@tsunagu/kernel';

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
