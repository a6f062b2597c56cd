import { Inject, Injectable } from '@nestjs/common';
import { domainEvents, type RecordedEvent, StreamReader } from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import { CLOCK } from '@tsunagu/service-host';
import { restOnWithdrawn } from '../domain/consent.js';
import type { Answer, Eligibility } from '../domain/eligibility.js';
import {
  decideNoted,
  decideReopen,
  type EntitlementEvent,
  entitlementStream,
  foldEntitlement,
} from '../domain/entitlement.js';
import type { At } from '../domain/stamped.js';
import { noteStreams } from '../domain/standing.js';
import { Asking } from '../outbound/questions.js';
import { readsOf } from '../recording.js';
import { notedIn, PersonNotes } from './person-notes.js';

/** What becomes of a claim, and the notes on its person that this was decided on. */
export interface DecidedReopening {
  readonly event: At<EntitlementEvent>;
  readonly reads: Readonly<Record<string, number>>;
}

/** Whether a claim that ended curably may go to the ledger again: much can be known of its person that was not known then. */
@Injectable()
export class ReopenCheck {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly reader: StreamReader,
    private readonly asking: Asking,
    private readonly notes: PersonNotes,
  ) {}

  /**
   * The one way to decide it, for a person who claims again and for an operator's batch: the claim goes on, ends for another cause, or
   * stays as it is (undefined). `eligibility` is the measure's. Throws QuestionUnanswered when identity cannot be heard.
   */
  async decide(
    recorded: readonly RecordedEvent[] | undefined,
    eligibility: Eligibility | null,
    correlationId: string,
  ): Promise<DecidedReopening | undefined> {
    const entitlement = foldEntitlement(domainEvents<EntitlementEvent>(recorded));
    if (!entitlement?.curable) return undefined;
    const { personId, measureId, answers } = entitlement.order;
    const { withdrawnAt } = notedIn(await this.reader.read(noteStreams(personId)), personId);
    const rules = restOnWithdrawn(answers, withdrawnAt) ? (eligibility ?? {}) : {};
    const told = await this.answers({ personId, measureId, correlationId }, rules);

    // What was noted while identity was asked counts.
    const noted = await this.reader.read(noteStreams(personId));
    const [at, known] = [isoTime(this.clock.now()), notedIn(noted, personId)];
    const [event] = [
      ...decideNoted(entitlement, at, known),
      ...(told ? decideReopen(entitlement, at, known, { eligibility, answers: told }) : []),
    ];
    return event && { event, reads: readsOf(noted, noteStreams(personId)) };
  }

  /**
   * What identity answers now on rules; undefined while a review holds the person's grants, under an id that means somebody else, and
   * where a claim under another id of theirs was granted or still can be (I1).
   */
  private async answers(
    of: { readonly personId: string; readonly measureId: string; readonly correlationId: string },
    rules: Eligibility,
  ): Promise<readonly Answer[] | undefined> {
    const { personId, measureId, correlationId } = of;
    const effectiveAt = isoTime(this.clock.now());
    // Between the claim and now may lie months: what the issuer says of the person's cards is asked before what identity knows.
    await this.asking.checkCards(personId);
    const standing = await this.asking.standing(personId, rules, effectiveAt);
    await this.notes.noteStanding(personId, standing, { correlationId, causationId: null, effectiveAt });
    if (standing.personId !== personId || standing.underReview) return undefined;
    const others = standing.formerPersonIds.map((id) => entitlementStream(measureId, id));
    if (others.length === 0) return standing.answers;
    const read = await this.reader.read(others);
    const isTheirs = others.some((name) => {
      const state = foldEntitlement(domainEvents<EntitlementEvent>(read.get(name)))?.state;
      return state === 'granted' || state === 'accepted';
    });
    return isTheirs ? undefined : standing.answers;
  }
}
