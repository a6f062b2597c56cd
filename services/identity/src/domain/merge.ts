import { ok, type Result, refuse } from '@tsunagu/kernel';
import type { Person, PersonEvent } from './person.js';

/** Why staff say that two persons are one: a closed list, so that no text about a person gets into the log. */
export const mergePatterns = ['registered_twice', 'link_data_missing', 'name_changed', 'review'] as const;
export const splitPatterns = ['merged_in_error', 'link_data_wrong', 'fraud'] as const;
export type ReasonPattern = (typeof mergePatterns)[number] | (typeof splitPatterns)[number];

/** Streams `merge-<mergeId>` and `split-<splitId>`: what one person proposes and another approves. */
export type ChangeEvent =
  | { readonly type: 'MergeProposed' | 'SplitProposed'; readonly data: Proposed }
  | { readonly type: 'MergeApproved' | 'SplitApproved'; readonly data: Approved };

export interface Proposed {
  /** mergeId or splitId. */
  readonly changeId: string;
  /** The merge that it is, or that a split undoes. */
  readonly mergeId: string;
  readonly keptPersonId: string;
  readonly mergedPersonId: string;
  readonly reasonPattern: ReasonPattern;
  /** Number of the case in the staff's own files. */
  readonly evidence: string | null;
  readonly proposedBy: string;
}

export interface Approved {
  readonly changeId: string;
  readonly approvedBy: string;
}

export interface Change extends Proposed {
  readonly kind: 'merge' | 'split';
  readonly state: 'proposed' | 'done';
  readonly approvedBy: string | null;
}

export function changeStream(kind: Change['kind'], changeId: string): string {
  return `${kind}-${changeId}`;
}

export function evolveChange(change: Change | undefined, event: ChangeEvent): Change {
  if ('proposedBy' in event.data) {
    const kind = event.type === 'MergeProposed' ? 'merge' : 'split';
    return { ...event.data, kind, state: 'proposed', approvedBy: null };
  }
  if (!change) throw new Error(`${event.type} before its proposal`);
  return { ...change, state: 'done', approvedBy: event.data.approvedBy };
}

export function foldChange(events: readonly ChangeEvent[]): Change | undefined {
  return events.reduce<Change | undefined>(evolveChange, undefined);
}

export interface Pair {
  readonly kept: Person | undefined;
  readonly merged: Person | undefined;
}

/**
 * Both stand for themselves, and they are two: only then can they become one. Nobody who can sign in is merged into somebody who is
 * erased, who cannot; the other way round, what the erased one was granted counts for the living one.
 */
export function checkMerge({
  kept,
  merged,
}: Pair): Result<true, 'request.not_found' | 'identity.not_mergeable' | 'identity.erased'> {
  if (!kept || !merged) return refuse('request.not_found');
  const isOne = kept.personId === merged.personId;
  if (isOne || kept.mergedInto || merged.mergedInto) return refuse('identity.not_mergeable');
  if (kept.erasureId !== null && merged.erasureId === null) return refuse('identity.erased');
  return ok(true);
}

/** Only the merge that still holds can be undone. */
export function checkSplit(
  { merged }: Pick<Pair, 'merged'>,
  { mergeId }: Pick<Proposed, 'mergeId'>,
): Result<true, 'request.not_found' | 'identity.not_merged'> {
  if (!merged) return refuse('request.not_found');
  return merged.mergedInto?.mergeId === mergeId ? ok(true) : refuse('identity.not_merged');
}

/** Another person than the proposer approves. Repeated by the same person it changes nothing: undefined. */
export function approveChange(
  change: Change,
  by: string,
): Result<ChangeEvent | undefined, 'identity.second_person_required' | 'identity.review_decided'> {
  if (change.state === 'done') return change.approvedBy === by ? ok(undefined) : refuse('identity.review_decided');
  if (change.proposedBy === by) return refuse('identity.second_person_required');
  const type = change.kind === 'merge' ? 'MergeApproved' : 'SplitApproved';
  return ok({ type, data: { changeId: change.changeId, approvedBy: by } });
}

/** What an approved change writes on the stream of each of the two persons. */
export function eventsOfChange(
  change: Pick<Change, 'kind' | 'keptPersonId' | 'mergedPersonId' | 'mergeId'>,
): readonly [kept: PersonEvent, merged: PersonEvent] {
  const { keptPersonId, mergedPersonId, mergeId } = change;
  const type = change.kind === 'merge' ? 'PersonsMerged' : 'PersonSplit';
  const data = { keptPersonId, mergedPersonId, mergeId };
  return [
    { type, data: { ...data, personId: keptPersonId } },
    { type, data: { ...data, personId: mergedPersonId } },
  ];
}
