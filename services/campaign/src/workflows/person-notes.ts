import { Inject, Injectable } from '@nestjs/common';
import { appendOne, domainEvents, type EventLog, expectedRevision, type RecordedEvent } from '@tsunagu/event-store';
import { derivedId } from '@tsunagu/kernel';
import { EVENT_LOG } from '@tsunagu/service-host';
import {
  decideNotes,
  type Noted,
  type NoteEvent,
  notedOf,
  noteStreams,
  type StandingEvent,
  standingStream,
  type ToldStanding,
} from '../domain/standing.js';
import { type Cause, serviceActor, toNewEvent } from '../recording.js';

/** Lost races for one stream before it counts as an outage. */
const ROUNDS_MAX = 50;

type NoteCause = Pick<Cause, 'correlationId' | 'causationId'> & { readonly effectiveAt: string };
type Streams = ReadonlyMap<string, readonly RecordedEvent[]>;

/** What decisions on claims heed of a person, noted in this service's own log before anything is decided on it. */
@Injectable()
export class PersonNotes {
  constructor(@Inject(EVENT_LOG) private readonly log: EventLog) {}

  /** Notes what is new in identity's answer or message; the same again, or an older one, changes nothing. */
  async noteStanding(personId: string, told: ToldStanding, cause: NoteCause): Promise<void> {
    // Of almost everybody identity has nothing of this kind to say, and nothing need be read.
    if (!told.revocation?.change && !told.erased) return;
    await this.noteOnce(standingStream(personId), cause, (noted: readonly StandingEvent[]) =>
      decideNotes(personId, noted, told).map((event) => ({
        ...event,
        id: derivedId(event.type === 'RevocationNoted' ? `${event.type} ${event.data.change}` : event.type, personId),
      })),
    );
  }

  /** Appends what is decided on a stream's notes as they are, again until nobody else wrote in between. */
  async noteOnce<E>(
    stream: string,
    { effectiveAt, ...cause }: NoteCause,
    note: (noted: readonly E[]) => readonly { readonly id: string; readonly type: string; readonly data: unknown }[],
  ): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const recorded = (await this.log.readStreams([stream])).get(stream);
      const events = note(domainEvents<E>(recorded)).map(({ id, type, data }) =>
        toNewEvent(id, { type, data, effectiveAt }, { ...cause, actor: serviceActor, ownerId: null }),
      );
      if (events.length === 0) return;
      const writes = [{ stream, expectedRevision: expectedRevision(recorded), events }];
      if (await appendOne(this.log, { writes })) return;
    }
    throw new Error('the notes on a person changed at every look');
  }
}

/** What streams that were read say of a person. */
export function notedIn(streams: Streams, personId: string): Noted {
  return notedOf(noteStreams(personId).flatMap((name) => domainEvents<NoteEvent>(streams.get(name))));
}
