import { randomUUID } from 'node:crypto';
import { type EventVersions, isoTime, newId } from '@tsunagu/kernel';
import type { AppendRequest, EventLog, ExpectedRevision, NewEvent } from '../contract.js';
import { toNewEvent } from '../new-event.js';

/** An empty log for one test, with a clock that the test moves. */
export interface Place {
  readonly log: EventLog;
  readonly clock: { nowMs: number };
  close(): Promise<void>;
}

export type OpenPlace = (versions?: EventVersions) => Promise<Place>;

export const startMs = Date.parse('2026-11-05T00:00:00.000Z');

/** A new event; `more` overrides anything. */
export function event(more: Partial<NewEvent> = {}): NewEvent {
  const meta = {
    id: newId(Date.now()),
    effectiveAt: isoTime(startMs),
    correlationId: randomUUID(),
    causationId: null,
    actor: 'service:test',
    ownerId: null,
  };
  return { ...toNewEvent({ type: 'Counted', data: { by: 1 } }, meta), ...more };
}

/** A request that writes `count` events, or the given ones, to one stream. */
export function write(
  stream: string,
  expectedRevision: ExpectedRevision,
  events: number | readonly NewEvent[] = 1,
): AppendRequest {
  const list = typeof events === 'number' ? Array.from({ length: events }, () => event()) : events;
  return { writes: [{ stream, expectedRevision, events: list }] };
}

/** One request over several streams. */
export function writeAll(...requests: readonly AppendRequest[]): AppendRequest {
  return { writes: requests.flatMap((request) => request.writes) };
}

/** Opens a place for each test and closes it afterwards. */
export function placeForEach(open: OpenPlace): () => Place {
  let place: Place | undefined;
  beforeEach(async () => {
    place = await open();
  });
  afterEach(async () => {
    await place?.close();
  });
  return () => {
    if (!place) throw new Error('no place is open outside a test');
    return place;
  };
}
