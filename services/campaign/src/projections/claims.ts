import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { EntitlementEvent } from '../domain/entitlement.js';
import type { At } from '../domain/stamped.js';

interface Change {
  readonly claim_id: string;
  readonly state: string;
  readonly attempt: number | null;
  readonly reason_code: string | null;
  readonly curable: boolean;
  /** Null: the ledger was not asked again. */
  readonly asked_at: string | null;
}

type Recorded = RecordedEvent & At<EntitlementEvent>;

/** One row a claim: found by id, receipt, person, and by what it waits for. */
export const claimsProjection: Projection = {
  name: 'claims',
  tables: ['claims'],
  types: ['ClaimAccepted', 'ClaimReopened', 'ClaimGranted', 'ClaimRefused', 'ClaimCancelled'],
  async apply(client, events) {
    const made: object[] = [];
    // The last change of a claim in the batch says all of its state; only the time of asking comes from an earlier one.
    const changes = new Map<string, Change>();
    for (const event of events as readonly Recorded[]) {
      if (event.type === 'ClaimAccepted') made.push(newRow(event));
      else changes.set(event.data.claimId, merged(changes.get(event.data.claimId), changeOf(event)));
    }
    if (made.length > 0) await client.query(insertClaims, [JSON.stringify(made)]);
    if (changes.size > 0) await client.query(updateClaims, [JSON.stringify([...changes.values()])]);
  },
};

function newRow(event: Extract<Recorded, { type: 'ClaimAccepted' }>) {
  const { claimId, campaignId, measureId, personId, fundId, amountPoints, receiptNumber, attempt } = event.data;
  return {
    claim_id: claimId,
    owner_id: event.ownerId,
    campaign_id: campaignId,
    measure_id: measureId,
    person_id: personId,
    fund_id: fundId,
    amount_points: amountPoints,
    receipt_number: receiptNumber,
    state: 'accepted',
    attempt,
    curable: false,
    held: event.data.heldFor !== undefined,
    asked_at: event.effectiveAt,
    accepted_position: event.position,
  };
}

function changeOf(event: Exclude<Recorded, { type: 'ClaimAccepted' }>): Change {
  const still = { claim_id: event.data.claimId, attempt: null, reason_code: null, curable: false, asked_at: null };
  switch (event.type) {
    case 'ClaimReopened':
      return { ...still, state: 'accepted', attempt: event.data.attempt, asked_at: event.effectiveAt };
    case 'ClaimGranted':
      return { ...still, state: 'granted' };
    case 'ClaimRefused':
      return { ...still, state: 'refused', reason_code: event.data.reasonCode, curable: event.data.curable };
    case 'ClaimCancelled':
      return {
        ...still,
        state: 'cancelled',
        reason_code: event.data.reasonCode,
        curable: event.data.curable ?? false,
      };
  }
}

function merged(before: Change | undefined, after: Change): Change {
  if (!before) return after;
  return { ...after, attempt: after.attempt ?? before.attempt, asked_at: after.asked_at ?? before.asked_at };
}

const insertClaims = `
  insert into claims (
    claim_id, owner_id, campaign_id, measure_id, person_id, fund_id, amount_points, receipt_number, state, attempt,
    curable, held, asked_at, accepted_position)
  select claim_id, owner_id, campaign_id, measure_id, person_id, fund_id, amount_points, receipt_number, state, attempt,
         curable, held, asked_at, accepted_position
    from json_to_recordset($1::json) as made (
      claim_id uuid, owner_id text, campaign_id uuid, measure_id uuid, person_id uuid, fund_id uuid,
      amount_points bigint, receipt_number text, state text, attempt integer, curable boolean, held boolean, asked_at timestamptz,
      accepted_position bigint)`;

const updateClaims = `
  update claims
     set state = change.state,
         attempt = coalesce(change.attempt, claims.attempt),
         reason_code = change.reason_code,
         curable = change.curable,
         held = false,
         asked_at = coalesce(change.asked_at, claims.asked_at)
    from json_to_recordset($1::json) as change (
      claim_id uuid, state text, attempt integer, reason_code text, curable boolean, asked_at timestamptz)
   where claims.claim_id = change.claim_id`;
