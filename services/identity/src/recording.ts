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

/** What staff do, or this service of its own accord. `id`: derived where the same act must happen once; else a new one. */
export function eventBy(
  event: { readonly type: string; readonly data: unknown },
  by: {
    readonly actor: string;
    readonly nowMs: number;
    readonly correlationId: string;
    readonly id?: string;
    readonly causationId?: string;
  },
): NewEvent {
  return toNewEvent(event, {
    id: by.id ?? newId(by.nowMs),
    effectiveAt: isoTime(by.nowMs),
    correlationId: by.correlationId,
    causationId: by.causationId ?? null,
    actor: by.actor,
    ownerId: null,
  });
}

/** What this service does of its own accord. */
export const serviceActor = 'service:identity';

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
