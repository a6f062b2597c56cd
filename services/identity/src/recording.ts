import { appendOne, type EventLog, type NewEvent, type RecordedEvent, toNewEvent } from '@tsunagu/event-store';
import { isoTime, newId, type Result } from '@tsunagu/kernel';
import type { Caller } from '@tsunagu/service-host';

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

/** Each lost race means that somebody else wrote: a handful is plenty. */
const attemptsMax = 50;

export interface Acting {
  readonly caller: Pick<Caller, 'actor' | 'ownerId'>;
  readonly correlationId: string;
  readonly nowMs: number;
}

/**
 * Decides over streams as they are and appends what was decided as one request, or nothing; decided again when another writer was first.
 * Every stream that gets events must be among those read.
 */
export async function record<T extends { readonly type: string; readonly data: unknown }, C extends string = never>(
  log: EventLog,
  streamsRead: readonly string[],
  acting: Acting,
  decide: (streams: ReadonlyMap<string, readonly RecordedEvent[]>) => Result<ReadonlyMap<string, readonly T[]>, C>,
): Promise<Result<ReadonlyMap<string, readonly T[]>, C>> {
  const { caller, correlationId, nowMs } = acting;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const streams = await log.readStreams([...streamsRead]);
    const decided = decide(streams);
    if (!decided.ok) return decided;
    const reads = Object.fromEntries(
      streamsRead.map((stream) => [stream, streams.get(stream)?.at(-1)?.revision ?? -1]),
    );
    const writes = [...decided.value].flatMap(([stream, events]) => {
      if (events.length === 0) return [];
      const recorded = events.map((event) =>
        toNewEvent(event, {
          id: newId(nowMs),
          effectiveAt: isoTime(nowMs),
          correlationId,
          causationId: null,
          actor: caller.actor,
          ownerId: caller.ownerId,
          reads,
        }),
      );
      return [{ stream, expectedRevision: revisionOf(streams, stream), events: recorded }];
    });
    if (writes.length === 0 || (await appendOne(log, { writes }))) return decided;
  }
  throw new Error('a stream changed at every look');
}
