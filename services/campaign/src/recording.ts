import type { NewEvent, RecordedEvent } from '@tsunagu/event-store';
import type { At } from './domain/stamped.js';

/** Who did something and what led to it. */
export interface Cause {
  readonly correlationId: string;
  readonly causationId: string | null;
  /** `person:<id>`, `staff:<subject>`, `service:campaign`. */
  readonly actor: string;
  readonly ownerId: string | null;
}

/** What this service does of its own accord. */
export const serviceActor = 'service:campaign';

export function toNewEvent(id: string, event: At<{ type: string; data: unknown }>, cause: Cause): NewEvent {
  const { type, data, effectiveAt } = event;
  return { id, type, data, effectiveAt, ...cause };
}

/** The revision of a stream's last event, −1 where there is none. */
export function revisionOf(events: readonly RecordedEvent[] | undefined): number {
  return events?.at(-1)?.revision ?? -1;
}

/** The revisions of streams that were read, for the event that is decided on them. */
export function readsOf(
  streams: ReadonlyMap<string, readonly RecordedEvent[]>,
  names: readonly string[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(names.map((name) => [name, revisionOf(streams.get(name))]));
}
