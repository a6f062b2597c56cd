import { appendOne, type EventLog } from '@tsunagu/event-store';
import { type Clock, idFromScope } from '@tsunagu/kernel';
import {
  certificateScope,
  foldReview,
  type Opening,
  pairScope,
  type ReviewEvent,
  reviewStream,
} from '../domain/review.js';
import { domainEvents, eventBy, serviceActor } from '../recording.js';

/** Certificates that link data ties to more than one person: staff say whose they are. */
export class Contradictions {
  constructor(
    private readonly log: EventLog,
    private readonly clock: Clock,
  ) {}

  /** Opens the review of a certificate, once however often it is presented. */
  async open(certificateRef: string, personIds: readonly string[], correlationId: string): Promise<void> {
    const reviewId = idFromScope(certificateScope(certificateRef));
    await this.record({ reviewId, kind: 'contradicting_lineage', personIds, certificateRef }, correlationId);
  }

  /** Opens the review of the first of some persons that one act spoke for with each of the others, once for each pair. */
  async openPairs([first, ...others]: readonly string[], correlationId: string): Promise<void> {
    for (const other of others) {
      if (first === undefined) return;
      const personIds = [first, other] as const;
      const reviewId = idFromScope(pairScope(personIds));
      await this.record({ reviewId, kind: 'likely_double', personIds, certificateRef: null }, correlationId);
    }
  }

  private async record(data: Opening, correlationId: string): Promise<void> {
    const { reviewId } = data;
    const by = { actor: serviceActor, nowMs: this.clock.now(), correlationId };
    const events = [eventBy({ type: 'ReviewOpened', data }, by)];
    await appendOne(this.log, { writes: [{ stream: reviewStream(reviewId), expectedRevision: 'noStream', events }] });
  }

  /** Whose the certificate is, where a review found that it is of one of different persons. */
  async assignedTo(certificateRef: string): Promise<string | null> {
    const stream = reviewStream(idFromScope(certificateScope(certificateRef)));
    const review = foldReview(domainEvents<ReviewEvent>(await this.log.readStreams([stream]), stream));
    return review?.state === 'decided' ? (review.decision?.certificatePersonId ?? null) : null;
  }
}
