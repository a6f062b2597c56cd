import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { appendOne, domainEvents, type EventLog, StreamReader } from '@tsunagu/event-store';
import { type Clock, idFromScope, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import {
  decideCreate,
  defaultProgramme,
  fold,
  type Programme,
  type ProgrammeEvent,
  programmeStream,
} from '../domain/programme.js';
import { type Cause, serviceActor, toNewEvent } from '../recording.js';

/** The id under which the default programme is created, by whichever process is first. */
const defaultId = idFromScope('programme default');

/** Programmes, with `default` there from the first start on. */
@Injectable()
export class Programmes implements OnModuleInit {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly reader: StreamReader,
  ) {}

  async onModuleInit(): Promise<void> {
    const at = isoTime(this.clock.now());
    const cause = { correlationId: defaultId, causationId: null, actor: serviceActor, ownerId: null };
    await this.create(defaultProgramme, defaultId, at, cause);
  }

  async find(programmeId: string): Promise<Programme | undefined> {
    const stream = programmeStream(programmeId);
    return fold(domainEvents<ProgrammeEvent>((await this.reader.read([stream])).get(stream)));
  }

  /** Creates it, or finds that this same call did so before. */
  async create(
    programme: Programme,
    eventId: string,
    at: string,
    cause: Cause,
  ): Promise<Result<Programme, 'campaign.programme_exists'>> {
    const stream = programmeStream(programme.programmeId);
    const recorded = (await this.reader.read([stream])).get(stream);
    if (recorded?.[0]?.id === eventId) return ok(programme);
    const decided = decideCreate(fold(domainEvents<ProgrammeEvent>(recorded)), programme, at);
    if (!decided.ok) return decided;
    const events = decided.value.map((event) => toNewEvent(eventId, event, cause));
    const done = await appendOne(this.log, { writes: [{ stream, expectedRevision: 'noStream', events }] });
    return done ? ok(programme) : refuse('campaign.programme_exists');
  }
}
