import { Inject, Injectable } from '@nestjs/common';
import { domainEvents, type EventLog } from '@tsunagu/event-store';
import { type Clock, isoTime, ok, type Result } from '@tsunagu/kernel';
import { type Caller, CLOCK, EVENT_LOG, QUESTIONS, type Questions } from '@tsunagu/service-host';
import {
  decideActingFor,
  fold,
  type Guardians,
  type GuardianshipEvent,
  guardianshipStream,
} from '../domain/guardianship.js';
import { askIsFifteen, askProgramme } from '../outbound/questions.js';
import type { FoundLink } from './link-streams.js';

/** For whom a caller may act: a person for themselves, a recorded guardian for a child under 15, staff for their owner's programmes. */
@Injectable()
export class Acting {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(QUESTIONS) private readonly questions: Questions,
  ) {}

  /** The child under 15 decides nothing here itself; that is between the two of them and the card. */
  async mayChange(caller: Caller, personId: string): Promise<Result<undefined>> {
    if (caller.subject === personId) return ok(undefined);
    const guardians = await this.#guardians(personId);
    // Who is no guardian is told nothing of the person's age, and identity is not asked for it.
    const isFifteen = guardians.includes(caller.subject)
      ? await askIsFifteen(this.questions, personId, isoTime(this.clock.now()))
      : 'unknown';
    return decideActingFor(guardians, caller.subject, isFifteen);
  }

  async mayRead(caller: Caller, personId: string): Promise<boolean> {
    return caller.subject === personId || (await this.#guardians(personId)).includes(caller.subject);
  }

  /** Everybody's programme is every owner's; any other is its owner's alone. */
  async maySeeAsStaff({ ownerId }: Caller, programmeId: string): Promise<boolean> {
    const programme = await askProgramme(this.questions, programmeId);
    return ownerId !== null && programme !== undefined && [null, ownerId].includes(programme.ownerId);
  }

  async maySee(caller: Caller, { link }: FoundLink): Promise<boolean> {
    const { personId, programmeId } = link.request;
    return caller.role === 'citizen' ? this.mayRead(caller, personId) : this.maySeeAsStaff(caller, programmeId);
  }

  async #guardians(childPersonId: string): Promise<Guardians> {
    const stream = guardianshipStream(childPersonId);
    return fold(domainEvents<GuardianshipEvent>((await this.log.readStreams([stream])).get(stream)));
  }
}
