import { ok, type Result, refuse } from '@tsunagu/kernel';

export const reviewKinds = ['same_digest', 'contradicting_lineage', 'likely_double'] as const;
export type ReviewKind = (typeof reviewKinds)[number];
export const outcomes = ['same_person', 'different_persons'] as const;
export type Outcome = (typeof outcomes)[number];

/** Stream `review-<reviewId>`: whether persons are one, for staff to decide. Persons stand in it by id only. */
export type ReviewEvent =
  | { readonly type: 'ReviewOpened'; readonly data: Opening }
  /** Persons who were only likely to be one came to the same digest: grants wait for the review from then on. */
  | { readonly type: 'ReviewRaised'; readonly data: { readonly reviewId: string; readonly kind: 'same_digest' } }
  | { readonly type: 'DecisionProposed'; readonly data: Decision & { readonly reviewId: string } }
  | {
      readonly type: 'ReviewDecided';
      readonly data: Omit<Decision, 'proposedBy'> & {
        readonly reviewId: string;
        readonly decidedBy: string;
        readonly approvedBy: string;
      };
    };

export interface Opening {
  readonly reviewId: string;
  readonly kind: ReviewKind;
  /** In the order in which they became known: the last is the newcomer. */
  readonly personIds: readonly string[];
  /** The certificate, by keyed hash, that link data ties to more than one person; else null. */
  readonly certificateRef: string | null;
}

export interface Decision {
  readonly decisionId: string;
  readonly outcome: Outcome;
  /** Whose id goes on, where they are one person. */
  readonly keptPersonId: string | null;
  /** Whose the certificate of a contradiction is, where they are different persons. */
  readonly certificatePersonId: string | null;
  /** Number of the case in the staff's own files. */
  readonly evidence: string | null;
  readonly proposedBy: string;
}

export interface Review extends Opening {
  readonly state: 'open' | 'proposed' | 'decided';
  readonly decision: Decision | null;
  readonly approvedBy: string | null;
}

export function reviewStream(reviewId: string): string {
  return `review-${reviewId}`;
}

/** What the id of a review comes from: one review for each pair of persons, whatever made them look alike. */
export function pairScope(personIds: readonly [string, string]): string {
  return `identity review ${[...personIds].sort().join(' ')}`;
}

/** One review for each certificate that link data ties to more than one person. */
export function certificateScope(certificateRef: string): string {
  return `identity review ${certificateRef}`;
}

export function evolveReview(review: Review | undefined, event: ReviewEvent): Review {
  if (event.type === 'ReviewOpened') return { ...event.data, state: 'open', decision: null, approvedBy: null };
  if (!review) throw new Error(`${event.type} before ReviewOpened`);
  if (event.type === 'ReviewRaised') return { ...review, kind: event.data.kind };
  if (event.type === 'DecisionProposed') {
    const { reviewId: _, ...decision } = event.data;
    return { ...review, state: 'proposed', decision };
  }
  const { reviewId: _, decidedBy, approvedBy, ...decision } = event.data;
  return { ...review, state: 'decided', decision: { ...decision, proposedBy: decidedBy }, approvedBy };
}

export function foldReview(events: readonly ReviewEvent[]): Review | undefined {
  return events.reduce<Review | undefined>(evolveReview, undefined);
}

/** A first or another decision is proposed. Doing it again changes nothing: undefined. */
export function proposeDecision(
  review: Review,
  proposed: Decision,
): Result<ReviewEvent | undefined, 'identity.review_decided' | 'identity.decision_incomplete'> {
  if (review.decision?.decisionId === proposed.decisionId) return ok(undefined);
  if (review.state === 'decided') return refuse('identity.review_decided');
  const { outcome, keptPersonId, certificatePersonId } = proposed;
  const named = [keptPersonId, certificatePersonId].filter((personId) => personId !== null);
  const needsOwner = review.certificateRef !== null && outcome === 'different_persons';
  const fits =
    named.every((personId) => review.personIds.includes(personId)) &&
    (keptPersonId === null || outcome === 'same_person') &&
    (certificatePersonId !== null) === needsOwner;
  if (!fits) return refuse('identity.decision_incomplete');
  return ok({ type: 'DecisionProposed', data: { ...proposed, reviewId: review.reviewId } });
}

export type ApprovalRefusal =
  | 'identity.review_decided'
  | 'identity.nothing_proposed'
  | 'identity.second_person_required';

/** Another person makes the proposed decision count. Repeated by the same person it changes nothing: undefined. */
export function approveDecision(
  review: Review,
  decisionId: string,
  by: string,
): Result<Extract<ReviewEvent, { type: 'ReviewDecided' }> | undefined, ApprovalRefusal> {
  const { decision, reviewId } = review;
  if (review.state === 'decided') {
    const same = decision?.decisionId === decisionId && review.approvedBy === by;
    return same ? ok(undefined) : refuse('identity.review_decided');
  }
  if (decision?.decisionId !== decisionId) return refuse('identity.nothing_proposed');
  const { proposedBy, ...data } = decision;
  if (proposedBy === by) return refuse('identity.second_person_required');
  return ok({ type: 'ReviewDecided', data: { ...data, reviewId, decidedBy: proposedBy, approvedBy: by } });
}
