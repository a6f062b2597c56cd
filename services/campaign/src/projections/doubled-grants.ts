import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { DoubledGrantEvent } from '../domain/doubled-grant.js';

/** Grants that one person got twice. A few events a day, so a statement each. */
export const doubledGrantsProjection: Projection = {
  name: 'doubled_grants',
  tables: ['doubled_grants'],
  types: ['DoubledGrantFound', 'DoubledGrantEnded'],
  async apply(client, events) {
    for (const event of events as readonly (RecordedEvent & DoubledGrantEvent)[]) {
      if (event.type === 'DoubledGrantEnded') {
        const { claimId, ended } = event.data;
        await client.query('update doubled_grants set state = $2 where claim_id = $1', [claimId, ended]);
        continue;
      }
      const { data, ownerId, effectiveAt, position } = event;
      await client.query(insertFound, [
        data.claimId,
        ownerId,
        data.personId,
        data.keptClaimId,
        data.keptPersonId,
        data.measureId,
        data.campaignId,
        data.amountPoints,
        effectiveAt,
        data.dueAt,
        position,
      ]);
    }
  },
};

const insertFound = `
  insert into doubled_grants (
    claim_id, owner_id, person_id, kept_claim_id, kept_person_id, measure_id, campaign_id, amount_points, state,
    found_at, due_at, position)
  values ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10, $11)
  on conflict (claim_id) do update
  set kept_claim_id = excluded.kept_claim_id, kept_person_id = excluded.kept_person_id, state = 'open',
      found_at = excluded.found_at, due_at = excluded.due_at, position = excluded.position`;
