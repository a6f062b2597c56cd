import { appendOne, type EventLog, type StreamWrite } from '@tsunagu/event-store';
import { type Clock, derivedId, ok, type Result, refuse } from '@tsunagu/kernel';
import {
  type Change,
  type ChangeEvent,
  changeStream,
  checkMerge,
  eventsOfChange,
  type Proposed,
} from '../domain/merge.js';
import { fold, type Person, type PersonEvent, personStream } from '../domain/person.js';
import {
  type ApprovalRefusal,
  approveDecision,
  type Decision,
  foldReview,
  proposeDecision,
  type Review,
  type ReviewEvent,
  reviewStream,
} from '../domain/review.js';
import { domainEvents, eventBy, revisionOf } from '../recording.js';
import type { Merging, Staff } from './merging.js';
import type { Survivors } from './survivors.js';

/** Lost races for the streams of a review and its persons before it counts as an outage. */
const attemptsMax = 50;

type Decided = Extract<ReviewEvent, { type: 'ReviewDecided' }>;
type Streams = Parameters<typeof revisionOf>[0];

/** Reviews: opened by what signs in and by the detector, decided by two members of staff. */
export class Reviewing {
  constructor(
    private readonly log: EventLog,
    private readonly clock: Clock,
    private readonly survivors: Survivors,
    private readonly merging: Merging,
  ) {}

  async find(reviewId: string): Promise<Review | undefined> {
    const stream = reviewStream(reviewId);
    return foldReview(domainEvents<ReviewEvent>(await this.log.readStreams([stream]), stream));
  }

  async propose(
    reviewId: string,
    decision: Omit<Decision, 'proposedBy'>,
    by: Staff,
  ): Promise<Result<Review, 'request.not_found' | 'identity.review_decided' | 'identity.decision_incomplete'>> {
    const stream = reviewStream(reviewId);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const streams = await this.log.readStreams([stream]);
      const review = foldReview(domainEvents<ReviewEvent>(streams, stream));
      if (!review) return refuse('request.not_found');
      const proposed = proposeDecision(review, { ...decision, proposedBy: by.actor });
      if (!proposed.ok) return proposed;
      if (!proposed.value) return ok(review);
      const writes = [this.write(stream, streams, [proposed.value], by)];
      if (await appendOne(this.log, { writes })) return ok(await this.existing(reviewId));
    }
    throw new Error('a review changed at every look');
  }

  /** The second person: the decision counts, persons who are one are merged, and grants no longer wait for this review. */
  async approve(
    reviewId: string,
    decisionId: string,
    by: Staff,
  ): Promise<Result<Review, 'request.not_found' | ApprovalRefusal>> {
    const stream = reviewStream(reviewId);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const streams = await this.log.readStreams([stream]);
      const review = foldReview(domainEvents<ReviewEvent>(streams, stream));
      if (!review) return refuse('request.not_found');
      const decided = approveDecision(review, decisionId, by.actor);
      if (!decided.ok) return decided;
      const merges = await this.merges(review, decided.value);
      if (decided.value) {
        const ofPersons = await this.personWrites(review, decided.value, merges, by);
        const ofMerges = merges.map((merge) => this.mergeWrite(merge, by));
        const writes = [this.write(stream, streams, [decided.value], by), ...ofMerges, ...(ofPersons ?? [])];
        if (!ofPersons || !(await appendOne(this.log, { writes }))) continue;
      }
      for (const merge of merges) await this.merging.followUp(merge, by);
      return ok(await this.existing(reviewId));
    }
    throw new Error('the persons of a review changed at every look');
  }

  /** What has to be merged now; for a review decided before, what was merged by it. */
  private async merges(review: Review, decided: Decided | undefined): Promise<readonly Change[]> {
    const mergeIds = review.personIds.map((personId) => derivedId(`merge ${personId}`, review.reviewId));
    if (!decided) {
      const known = await Promise.all(mergeIds.map((mergeId) => this.merging.find('merge', mergeId)));
      return known.filter((merge) => merge !== undefined);
    }
    const { outcome, keptPersonId, evidence, decidedBy, approvedBy } = decided.data;
    if (outcome !== 'same_person') return [];
    const survivors = await this.survivors.of(review.personIds);
    const persons = [...new Map([...survivors.values()].map((person) => [person.personId, person])).values()];
    const byAge = persons.toSorted((one, other) => (one.personId < other.personId ? -1 : 1));
    const wanted = survivors.get(keptPersonId ?? '');
    // Somebody who is erased cannot sign in: a living one goes on, whichever id was named.
    const inOrder = wanted ? [wanted, ...byAge] : byAge;
    const kept = (inOrder.find(({ erasureId }) => erasureId === null) ?? inOrder[0])?.personId ?? '';
    return byAge
      .filter(({ personId }) => personId !== kept)
      .map(({ personId: mergedPersonId }): Change => {
        const mergeId = derivedId(`merge ${mergedPersonId}`, review.reviewId);
        const pair = { changeId: mergeId, mergeId, keptPersonId: kept, mergedPersonId };
        const said = { reasonPattern: 'review', evidence, proposedBy: decidedBy, approvedBy } as const;
        return { ...pair, ...said, kind: 'merge', state: 'done' };
      });
  }

  private mergeWrite({ kind, state: _, approvedBy, ...proposed }: Change, by: Staff): StreamWrite {
    const { changeId }: Proposed = proposed;
    const events: readonly ChangeEvent[] = [
      { type: 'MergeProposed', data: proposed },
      { type: 'MergeApproved', data: { changeId, approvedBy: approvedBy ?? by.actor } },
    ];
    return this.write(changeStream(kind, changeId), new Map(), events, by);
  }

  /**
   * On each person's stream first the merge, then that the review holds nothing any more. Undefined where one of them was merged
   * by somebody else in this moment.
   */
  private async personWrites(
    { personIds }: Review,
    { data: { reviewId, outcome } }: Decided,
    merges: readonly Change[],
    by: Staff,
  ): Promise<readonly StreamWrite[] | undefined> {
    const concerned = new Set([...personIds, ...merges.flatMap((merge) => [merge.keptPersonId, merge.mergedPersonId])]);
    const streams = await this.log.readStreams([...concerned].map(personStream));
    const personOf = (personId: string) => fold(domainEvents<PersonEvent>(streams, personStream(personId)));
    const pairs = merges.map((merge) => ({
      kept: personOf(merge.keptPersonId),
      merged: personOf(merge.mergedPersonId),
    }));
    if (!pairs.every((pair) => checkMerge(pair).ok)) return undefined;
    const merged = merges.flatMap(eventsOfChange);
    return [...concerned].flatMap((personId): readonly StreamWrite[] => {
      const stream = personStream(personId);
      const person = personOf(personId);
      const events = [
        ...merged.filter(({ data }) => data.personId === personId),
        ...(person ? released(person, reviewId, outcome) : []),
      ];
      return events.length === 0 ? [] : [this.write(stream, streams, events, by)];
    });
  }

  private async existing(reviewId: string): Promise<Review> {
    const review = await this.find(reviewId);
    if (!review) throw new Error('a review that was just written');
    return review;
  }

  private write(
    stream: string,
    read: Streams,
    events: readonly { readonly type: string; readonly data: unknown }[],
    { actor, correlationId }: Staff,
  ): StreamWrite {
    const by = { actor, correlationId, nowMs: this.clock.now() };
    return { stream, expectedRevision: revisionOf(read, stream), events: events.map((event) => eventBy(event, by)) };
  }
}

function released(person: Person, reviewId: string, outcome: Decision['outcome']): readonly PersonEvent[] {
  const { personId, heldBy } = person;
  if (!heldBy.includes(reviewId)) return [];
  return [{ type: 'PersonReviewed', data: { personId, reviewId, outcome, held: heldBy.length > 1 } }];
}
