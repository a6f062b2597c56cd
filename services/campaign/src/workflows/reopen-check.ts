import { Inject, Injectable } from '@nestjs/common';
import { domainEvents, StreamReader } from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import { CLOCK } from '@tsunagu/service-host';
import type { Answer, Eligibility } from '../domain/eligibility.js';
import { type EntitlementEvent, entitlementStream, foldEntitlement } from '../domain/entitlement.js';
import { Asking } from '../outbound/questions.js';

/** Whether a claim that ended may go to the ledger again: much can be known of its person that was not known then. */
@Injectable()
export class ReopenCheck {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly reader: StreamReader,
    private readonly asking: Asking,
  ) {}

  /**
   * What identity answers now on rules; undefined while a review holds the person's grants, under an id that means somebody else, and
   * where a claim under another id of theirs was granted or still can be (I1). Throws QuestionUnanswered when identity cannot be heard.
   */
  async answers(
    { personId, measureId }: { readonly personId: string; readonly measureId: string },
    rules: Eligibility = {},
  ): Promise<readonly Answer[] | undefined> {
    const standing = await this.asking.standing(personId, rules, isoTime(this.clock.now()));
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
