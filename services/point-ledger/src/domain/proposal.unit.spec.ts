import { decideVerdict, foldProposal, type Proposal, type ProposalEvent, proposalStream } from './proposal.js';

const proposalId = 'proposal';
const proposed: ProposalEvent = {
  type: 'ChangeProposed',
  data: {
    proposalId,
    ownerId: 'demo',
    proposedBy: 'staff:alice',
    change: { kind: 'fund_lowering', fundId: 'fund', points: 1, reason: 'lowered', toFundId: null },
  },
};
const approved: ProposalEvent = { type: 'ChangeApproved', data: { proposalId, by: 'staff:bob' } };
const rejected: ProposalEvent = { type: 'ChangeRejected', data: { proposalId, by: 'staff:bob' } };
const completed: ProposalEvent = {
  type: 'ChangeCompleted',
  data: { proposalId, lots: 0, points: 1, receivablePoints: 0 },
};

const verdict = (
  events: readonly ProposalEvent[],
  what: 'approve' | 'reject',
  by: string,
  needsSecondPerson?: boolean,
) => decideVerdict(foldProposal(events) as Proposal, what, by, needsSecondPerson);

it('is approved by another person, or taken back by its own', () => {
  expect(verdict([proposed], 'approve', 'staff:bob')).toEqual({ ok: true, value: approved });
  expect(verdict([proposed], 'approve', 'staff:alice')).toMatchObject({
    refusal: { code: 'point_ledger.second_person_required' },
  });
  expect(verdict([proposed], 'approve', 'staff:alice', false)).toMatchObject({ ok: true });
  const takenBack = { type: 'ChangeRejected', data: { proposalId, by: 'staff:alice' } };
  expect(verdict([proposed], 'reject', 'staff:alice')).toEqual({ ok: true, value: takenBack });
});

it.each([
  ['approve', [approved], true],
  ['approve', [approved, completed], true],
  ['reject', [rejected], true],
  ['reject', [approved], false],
  ['reject', [approved, completed], false],
  ['approve', [rejected], false],
] as const)('%s after %j is answered, not decided again', (what, since, isSame) => {
  const again = verdict([proposed, ...since], what, 'staff:bob');
  if (isSame) expect(again).toEqual({ ok: true, value: undefined });
  else expect(again).toMatchObject({ refusal: { code: 'point_ledger.proposal_ended' } });
  expect(verdict([proposed, ...since], what, 'staff:carol')).toMatchObject({ ok: false });
});

it('folds to what was decided and what it came to', () => {
  expect(foldProposal([])).toBeUndefined();
  expect(foldProposal([proposed])).toEqual({ ...proposed.data, state: 'proposed', decidedBy: null, outcome: null });
  expect(foldProposal([proposed, approved])).toMatchObject({
    state: 'approved',
    decidedBy: 'staff:bob',
    outcome: null,
  });
  expect(foldProposal([proposed, rejected])).toMatchObject({
    state: 'rejected',
    decidedBy: 'staff:bob',
    outcome: null,
  });
  expect(foldProposal([proposed, approved, completed])).toMatchObject({
    state: 'completed',
    decidedBy: 'staff:bob',
    outcome: { lots: 0, points: 1, receivablePoints: 0 },
  });
  expect(() => foldProposal([approved])).toThrow('before ChangeProposed');
});

it('has a stream of its own', () => {
  expect(proposalStream(proposalId)).toBe('proposal-proposal');
});
