import type { RecordedEvent } from '@tsunagu/event-store';
import type { PoolClient } from 'pg';
import type { ExchangeEvent } from '../domain/exchange.js';

/** The rows of one exchange after one of its events. Days count by `recordedAt`, which never decreases with position. */
export async function applyExchange(client: PoolClient, event: RecordedEvent & ExchangeEvent): Promise<void> {
  const { exchangeId } = event.data;
  const at = event.recordedAt;
  switch (event.type) {
    case 'ExchangeRequested': {
      const { personId, linkId, providerId, points, payingOwnerIds } = event.data;
      await client.query(
        `insert into exchanges (exchange_id, owner_id, person_id, link_id, provider_id, points, paying_owner_ids,
                                status, accepted_at, requested_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, 'requested', $8, $9, $9)`,
        [exchangeId, event.ownerId, personId, linkId, providerId, points, payingOwnerIds, event.effectiveAt, at],
      );
      return;
    }
    case 'ExchangeHeld': {
      const { holdId, providerPoints, parts } = event.data;
      await client.query(
        `update exchanges set status = 'held', owner_id = $2, hold_id = $3, provider_points = $4, changed_at = $5
         where exchange_id = $1`,
        [exchangeId, event.ownerId, holdId, providerPoints, at],
      );
      await client.query(
        `insert into exchange_parts (exchange_id, owner_id, points, provider_points)
         select $1, part.owner_id, part.points, part.provider_points
         from unnest($2::text[], $3::bigint[], $4::bigint[]) as part (owner_id, points, provider_points)`,
        [
          exchangeId,
          parts.map((part) => part.ownerId),
          parts.map((part) => part.points),
          parts.map((part) => part.providerPoints),
        ],
      );
      return;
    }
    case 'ExchangeSubmitted':
    case 'ExchangePending':
      return setStatus(client, exchangeId, 'submitted', at);
    case 'ExchangeOutcomeUnknown':
      return setStatus(client, exchangeId, 'outcome_unknown', at);
    case 'ExchangeReviewOpened':
      return setStatus(client, exchangeId, 'under_review', at);
    case 'ProviderCredited':
      await client.query('update exchanges set provider_reference = $2, credited_at = $3 where exchange_id = $1', [
        exchangeId,
        event.data.providerReference,
        event.data.creditedAt,
      ]);
      return;
    case 'ExchangeConfirmed':
      await client.query(
        `update exchanges set status = 'confirmed', confirmed_at = $2, changed_at = $2 where exchange_id = $1`,
        [exchangeId, at],
      );
      return;
    case 'ExchangeCaptured': {
      const { lots } = event.data;
      await client.query(
        `update exchanges set status = 'captured', ended_at = $2, changed_at = $3 where exchange_id = $1`,
        [exchangeId, event.effectiveAt, at],
      );
      await client.query(
        `insert into exchange_funds (exchange_id, owner_id, fund_id, points)
         select $1, lot.owner_id, lot.fund_id, sum(lot.points)
         from unnest($2::text[], $3::uuid[], $4::bigint[]) as lot (owner_id, fund_id, points)
         group by lot.owner_id, lot.fund_id`,
        [exchangeId, lots.map((lot) => lot.ownerId), lots.map((lot) => lot.fundId), lots.map((lot) => lot.points)],
      );
      return;
    }
    case 'ExchangeRejected':
    case 'ExchangeCancelled': {
      const status = event.type === 'ExchangeRejected' ? 'rejected' : 'cancelled';
      await client.query(
        `update exchanges set status = $2, reason_code = $3, ended_at = $4, changed_at = $5 where exchange_id = $1`,
        [exchangeId, status, event.data.reasonCode, event.effectiveAt, at],
      );
      return;
    }
    case 'ExchangeReleased':
      await client.query('update exchanges set released = true, changed_at = $2 where exchange_id = $1', [
        exchangeId,
        at,
      ]);
  }
}

async function setStatus(client: PoolClient, exchangeId: string, status: string, at: string): Promise<void> {
  await client.query('update exchanges set status = $2, changed_at = $3 where exchange_id = $1', [
    exchangeId,
    status,
    at,
  ]);
}
