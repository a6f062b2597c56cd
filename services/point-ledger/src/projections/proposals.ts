import type { Projection } from '@tsunagu/event-store';
import type { FundEvent } from '../domain/fund.js';
import type { ProposalEvent } from '../domain/proposal.js';

/** Proposals by owner, newest first, and those that are approved and not carried out. */
export const proposalsProjection: Projection = {
  name: 'proposals',
  tables: ['proposals'],
  types: ['ChangeProposed', 'ChangeApproved', 'ChangeRejected', 'ChangeCompleted'],
  async apply(client, events) {
    for (const event of events) {
      const { type, data } = event as unknown as ProposalEvent;
      if (type === 'ChangeProposed') {
        const { proposalId, ownerId, proposedBy, change } = data;
        const row = [proposalId, ownerId, change.kind, proposedBy, event.effectiveAt, JSON.stringify(change)];
        await client.query(insert, [...row, event.position]);
      } else if (type === 'ChangeCompleted') {
        const { proposalId, lots, points, receivablePoints } = data;
        await client.query(complete, [proposalId, JSON.stringify({ lots, points, receivablePoints })]);
      } else
        await client.query(decide, [data.proposalId, type === 'ChangeApproved' ? 'approved' : 'rejected', data.by]);
    }
  },
};

/** Carry-overs of which the second step, the commitment of the other fund, is not recorded. */
export const carryOversProjection: Projection = {
  name: 'carry-overs',
  tables: ['carry_overs'],
  types: ['FundLowered', 'FundCommitted'],
  async apply(client, events) {
    for (const event of events) {
      const { type, data } = event as unknown as FundEvent;
      if (type === 'FundLowered' && data.toFundId !== null) {
        const row = [event.id, data.fundId, data.toFundId, data.ownerId, data.points, event.recordedAt];
        await client.query(carry, row);
      }
      if (type === 'FundCommitted' && event.causationId !== null) await client.query(arrive, [event.causationId]);
    }
  },
};

const insert = `
  insert into proposals (proposal_id, owner_id, kind, state, proposed_by, proposed_at, change, position)
  values ($1, $2, $3, 'proposed', $4, $5, $6, $7)`;

const decide = 'update proposals set state = $2, decided_by = $3 where proposal_id = $1';

const complete = `update proposals set state = 'completed', outcome = $2 where proposal_id = $1`;

const carry = `
  insert into carry_overs (lowered_id, from_fund_id, to_fund_id, owner_id, points, lowered_at)
  values ($1, $2, $3, $4, $5, $6)`;

const arrive = 'delete from carry_overs where lowered_id = $1';
