import { ok, type Result, refuse } from '@tsunagu/kernel';
import type { Correction } from './correction.js';

/**
 * A change of links that one person of the staff proposes and another approves. Stream `linkChange-<changeId>`. The approval and
 * all that it does to links, accounts and choices are one request.
 */
export type LinkChangeEvent =
  | { readonly type: 'LinkChangeProposed'; readonly data: LinkChangeProposed }
  | { readonly type: 'LinkChangeApproved'; readonly data: LinkChangeAct }
  | { readonly type: 'LinkChangeRejected'; readonly data: LinkChangeAct };

export interface LinkChangeProposed {
  readonly changeId: string;
  readonly ownerId: string;
  /** The actor. */
  readonly proposedBy: string;
  readonly change: Correction | GuardianChange;
}

/** Who acts for a child under 15. */
export interface GuardianChange {
  readonly kind: 'guardian';
  readonly act: 'link' | 'unlink';
  readonly childPersonId: string;
  readonly guardianPersonId: string;
  readonly evidence: string;
}

export interface LinkChangeAct {
  readonly changeId: string;
  readonly by: string;
}

export interface LinkChange extends LinkChangeProposed {
  readonly state: 'proposed' | 'approved' | 'rejected';
  readonly decidedBy: string | null;
}

export function evolve(state: LinkChange | undefined, event: LinkChangeEvent): LinkChange {
  if (event.type === 'LinkChangeProposed') return { ...event.data, state: 'proposed', decidedBy: null };
  if (!state) throw new Error(`${event.type} stands before LinkChangeProposed`);
  return {
    ...state,
    state: event.type === 'LinkChangeApproved' ? 'approved' : 'rejected',
    decidedBy: event.data.by,
  };
}

export function fold(events: readonly LinkChangeEvent[]): LinkChange | undefined {
  return events.reduce<LinkChange | undefined>(evolve, undefined);
}

export type VerdictRefusal = 'service_link.change_ended' | 'service_link.second_person_required';

/**
 * Nobody approves a change of a link that they changed themselves: not the proposer, nor any actor of the links' own events.
 * The proposer may take a proposal back. Repeated by the same person it changes nothing: undefined.
 */
export function decideVerdict(
  state: LinkChange,
  verdict: 'approve' | 'reject',
  by: string,
  actorsOfLinks: readonly string[],
): Result<LinkChangeEvent | undefined, VerdictRefusal> {
  const { changeId } = state;
  if (state.state !== 'proposed') {
    const isSame = state.state === (verdict === 'approve' ? 'approved' : 'rejected') && state.decidedBy === by;
    return isSame ? ok(undefined) : refuse('service_link.change_ended');
  }
  if (verdict === 'reject') return ok({ type: 'LinkChangeRejected', data: { changeId, by } });
  if (state.proposedBy === by || actorsOfLinks.includes(by)) return refuse('service_link.second_person_required');
  return ok({ type: 'LinkChangeApproved', data: { changeId, by } });
}

export function linkChangeStream(changeId: string): string {
  return `linkChange-${changeId}`;
}
