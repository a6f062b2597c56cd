import { Inject, Injectable } from '@nestjs/common';
import { domainEvents, type EventLog } from '@tsunagu/event-store';
import { type Clock, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import { type Caller, CLOCK, EVENT_LOG, QUESTIONS, type Questions } from '@tsunagu/service-host';
import {
  decideActingFor,
  fold,
  type Guardians,
  type GuardianshipEvent,
  guardianshipStream,
} from '../domain/guardianship.js';
import { linkErasureStream } from '../domain/link-erasure.js';
import { askIsFifteen, askProgramme, askProof, askStanding, type Proof } from '../outbound/questions.js';
import type { FoundLink } from './link-streams.js';

/** For whom a caller may act: a person for themselves, a recorded guardian for a child under 15, staff for their owner's programmes. */
@Injectable()
export class Acting {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(QUESTIONS) private readonly questions: Questions,
  ) {}

  /** Nobody frozen changes a link, nor does anybody for them or for somebody erased. A child under 15 with a card of its own may act too. */
  async mayChange(caller: Caller, personId: string): Promise<Result<undefined>> {
    const acts = caller.subject === personId ? ok(undefined) : await this.#mayActFor(caller, personId);
    if (!acts.ok) return acts;
    const erasure = linkErasureStream(personId);
    if ((await this.log.readStreams([erasure])).get(erasure)?.length) return refuse('identity.erased');
    const persons = [...new Set([caller.subject, personId])];
    const standings = await Promise.all(persons.map((person) => askStanding(this.questions, person)));
    return standings.some((standing) => standing?.frozen) ? refuse('identity.frozen') : ok(undefined);
  }

  /** A fresh signature of the caller's card for this very act. */
  async proven(
    caller: Caller,
    act: 'request' | 'confirm' | 'end' | 'replace',
    operation: object,
    proof: Proof | null | undefined,
  ): Promise<Result<undefined>> {
    if (!proof) return refuse('identity.fresh_proof_required');
    const { challengeId, signature } = proof;
    const purpose = `service_link.${act}`;
    return askProof(this.questions, {
      personId: caller.subject,
      purpose,
      operation,
      proof: { challengeId, signature },
    });
  }

  async #mayActFor(caller: Caller, personId: string): Promise<Result<undefined>> {
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
