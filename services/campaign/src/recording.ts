import {
  type AppendOutcome,
  type AppendRequest,
  type EventLog,
  type NewEvent,
  type RecordedEvent,
  StoreError,
} from '@tsunagu/event-store';
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

/** Every event of this service is in version 1. */
const SCHEMA_VERSION = 1;
/** How often an append is repeated whose COMMIT's answer was lost, and the first pause, which doubles. */
const REPETITIONS_MAX = 4;
const FIRST_PAUSE_MS = 50;

export function toNewEvent(id: string, event: At<{ type: string; data: unknown }>, cause: Cause): NewEvent {
  const { type, data, effectiveAt } = event;
  return { id, type, data, effectiveAt, schemaVersion: SCHEMA_VERSION, ...cause };
}

/** A stream's events as the domain knows them. What lies in a stream of this service was written by this service. */
export function domainEvents<E>(events: readonly RecordedEvent[] | undefined): readonly (RecordedEvent & At<E>)[] {
  return (events ?? []) as readonly (RecordedEvent & At<E>)[];
}

/** The revision of a stream's last event, −1 where there is none. */
export function revisionOf(events: readonly RecordedEvent[] | undefined): number {
  return events?.at(-1)?.revision ?? -1;
}

/** Appends; where the outcome is unknown, again with the same ids, which makes it a `duplicate` if it was recorded. */
export async function append(log: EventLog, requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
  for (let repetition = 0; ; repetition += 1) {
    try {
      return await log.append(requests);
    } catch (error) {
      const unknown = error instanceof StoreError && error.code === 'store.outcome_unknown';
      if (!unknown || repetition >= REPETITIONS_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** repetition));
    }
  }
}

/** Appends one request and says whether it is recorded now; false: somebody else wrote first. */
export async function appendOne(log: EventLog, request: AppendRequest): Promise<boolean> {
  const [outcome] = await append(log, [request]);
  return outcome !== undefined && outcome.outcome !== 'conflict';
}
