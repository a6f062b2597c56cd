import type { RecordedEvent } from '@tsunagu/event-store';
import type { PoolClient } from 'pg';
import type { SettlementEvent } from '../domain/settlement.js';

/** The rows of one settlement after one of its events: what it took, what it carried, its state. */
export async function applySettlement(client: PoolClient, event: RecordedEvent & SettlementEvent): Promise<void> {
  switch (event.type) {
    case 'SettlementLinesListed':
      await client.query(
        `insert into settlement_taken (exchange_id, owner_id, settlement_id)
         select exchange_id, $2, $3 from unnest($1::uuid[]) as exchange_id`,
        [event.data.lines.map((line) => line.exchangeId), event.data.ownerId, event.data.settlementId],
      );
      return;
    case 'SettlementItemsCarried':
      await client.query(
        `insert into settlement_carried (exchange_id, owner_id)
         select exchange_id, $2 from unnest($1::uuid[]) as exchange_id on conflict do nothing`,
        [event.data.items.map((item) => item.exchangeId), event.data.ownerId],
      );
      return;
    case 'SettlementClosed': {
      const { settlementId, ownerId, providerId, from, to, closedAt } = event.data;
      await client.query(
        `insert into settlements (settlement_id, owner_id, provider_id, from_day, to_day, state, close, closed_at)
         values ($1, $2, $3, $4, $5, 'closed', $6, $7)`,
        [settlementId, ownerId, providerId, from, to, JSON.stringify(event.data), closedAt],
      );
      return;
    }
    case 'SettlementApproved':
      await client.query(`update settlements set state = 'approved', approved_by = $2 where settlement_id = $1`, [
        event.data.settlementId,
        event.data.approvedBy,
      ]);
  }
}
