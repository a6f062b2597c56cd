import { Inject, Injectable } from '@nestjs/common';
import { domainEvents, StreamReader } from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import { CLOCK } from '@tsunagu/service-host';
import { type EntitlementEvent, entitlementStream, foldEntitlement } from '../domain/entitlement.js';
import { Asking } from '../outbound/questions.js';

/** Whether a claim that was refused may go to the ledger again: much can be known of its person that was not known then. */
@Injectable()
export class ReopenCheck {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly reader: StreamReader,
    private readonly asking: Asking,
  ) {}

  /**
   * Not while a review holds the person's grants, not under an id that means somebody else, and not where a claim under another id of
   * theirs was granted or still can be (I1). Throws QuestionUnanswered when identity cannot be heard.
   */
  async passes({ personId, measureId }: { readonly personId: string; readonly measureId: string }): Promise<boolean> {
    const standing = await this.asking.standing(personId, {}, isoTime(this.clock.now()));
    if (standing.personId !== personId || standing.underReview) return false;
    const others = standing.formerPersonIds.map((id) => entitlementStream(measureId, id));
    if (others.length === 0) return true;
    const read = await this.reader.read(others);
    return others.every((name) => {
      const state = foldEntitlement(domainEvents<EntitlementEvent>(read.get(name)))?.state;
      return state !== 'granted' && state !== 'accepted';
    });
  }
}
