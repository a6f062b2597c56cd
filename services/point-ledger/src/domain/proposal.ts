import type { ExtensionPattern, ReversalPattern, WriteOffPattern } from '@tsunagu/contracts';
import { ok, type Result, refuse } from '@tsunagu/kernel';
import type { FundLoweringReason } from './fund.js';

/**
 * A change of points that one person proposes and another approves. It has a stream of its own: what it changes lies on
 * accounts and funds, perhaps many, and follows from the approval, so a crash in between is finished by a sweeper.
 */
export type ProposalEvent =
  | { readonly type: 'ChangeProposed'; readonly data: ChangeProposed }
  | { readonly type: 'ChangeApproved'; readonly data: ProposalAct }
  | { readonly type: 'ChangeRejected'; readonly data: ProposalAct }
  | { readonly type: 'ChangeCompleted'; readonly data: ChangeCompleted };

export type Change =
  | {
      readonly kind: 'reversal';
      readonly personId: string;
      readonly lotId: string;
      readonly reasonPattern: ReversalPattern;
      readonly evidence: string;
    }
  | {
      readonly kind: 'write_off';
      readonly personId: string;
      readonly receivableId: string;
      readonly reasonPattern: WriteOffPattern;
      readonly evidence: string;
    }
  | {
      readonly kind: 'extension';
      readonly campaignId: string | null;
      readonly fundId: string | null;
      readonly expiresFrom: string;
      readonly expiresBefore: string;
      readonly newExpiresAt: string;
      readonly reasonPattern: ExtensionPattern;
      readonly evidence: string;
    }
  | {
      readonly kind: 'fund_lowering';
      readonly fundId: string;
      readonly points: number;
      readonly reason: FundLoweringReason;
      readonly toFundId: string | null;
    };

export interface ChangeProposed {
  readonly proposalId: string;
  readonly ownerId: string;
  readonly proposedBy: string;
  readonly change: Change;
}

export interface ProposalAct {
  readonly proposalId: string;
  readonly by: string;
}

/** What the change came to; zeros where there was nothing to do any more. */
export interface ChangeCompleted {
  readonly proposalId: string;
  readonly lots: number;
  readonly points: number;
  readonly receivablePoints: number;
}

export interface Proposal extends ChangeProposed {
  readonly state: 'proposed' | 'approved' | 'rejected' | 'completed';
  /** Who approved or rejected it. */
  readonly decidedBy: string | null;
  readonly outcome: Omit<ChangeCompleted, 'proposalId'> | null;
}

export function proposalStream(proposalId: string): string {
  return `proposal-${proposalId}`;
}

export function evolveProposal(proposal: Proposal | undefined, event: ProposalEvent): Proposal {
  if (event.type === 'ChangeProposed') return { ...event.data, state: 'proposed', decidedBy: null, outcome: null };
  if (!proposal) throw new Error(`${event.type} stands before ChangeProposed`);
  switch (event.type) {
    case 'ChangeApproved':
      return { ...proposal, state: 'approved', decidedBy: event.data.by };
    case 'ChangeRejected':
      return { ...proposal, state: 'rejected', decidedBy: event.data.by };
    case 'ChangeCompleted': {
      const { lots, points, receivablePoints } = event.data;
      return { ...proposal, state: 'completed', outcome: { lots, points, receivablePoints } };
    }
  }
}

export function foldProposal(
  events: Iterable<{ readonly type: string; readonly data: unknown }>,
): Proposal | undefined {
  let proposal: Proposal | undefined;
  for (const event of events) proposal = evolveProposal(proposal, event as ProposalEvent);
  return proposal;
}

export type VerdictRefusal = 'point_ledger.proposal_ended' | 'point_ledger.second_person_required';

/**
 * Approves or rejects. The approver must be another person; the proposer may take the proposal back by rejecting it.
 * Repeated by the same person it changes nothing: undefined.
 */
export function decideVerdict(
  proposal: Proposal,
  verdict: 'approve' | 'reject',
  by: string,
  needsSecondPerson = true,
): Result<ProposalEvent | undefined, VerdictRefusal> {
  const { proposalId, state } = proposal;
  if (state !== 'proposed') {
    const same = verdict === 'reject' ? state === 'rejected' : state !== 'rejected';
    return same && proposal.decidedBy === by ? ok(undefined) : refuse('point_ledger.proposal_ended');
  }
  if (verdict === 'reject') return ok({ type: 'ChangeRejected', data: { proposalId, by } });
  if (needsSecondPerson && proposal.proposedBy === by) return refuse('point_ledger.second_person_required');
  return ok({ type: 'ChangeApproved', data: { proposalId, by } });
}
