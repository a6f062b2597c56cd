import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { ExchangeEvent } from '../domain/exchange.js';
import type { SettlementEvent } from '../domain/settlement.js';
import { applyExchange } from './exchange-rows.js';
import { applySettlement } from './settlement-rows.js';

const exchangeTypes: readonly ExchangeEvent['type'][] = [
  'ExchangeRequested',
  'ExchangeHeld',
  'ExchangeSubmitted',
  'ExchangePending',
  'ExchangeOutcomeUnknown',
  'ExchangeReviewOpened',
  'ProviderCredited',
  'ExchangeConfirmed',
  'ExchangeCaptured',
  'ExchangeRejected',
  'ExchangeCancelled',
  'ExchangeReleased',
];
const settlementTypes: readonly SettlementEvent['type'][] = [
  'SettlementLinesListed',
  'SettlementItemsCarried',
  'SettlementClosed',
  'SettlementApproved',
];

/** Exchanges and settlements in one read model: a close reads both from one snapshot, at one position of the log. */
export const exchangeBook: Projection = {
  name: 'exchange_book',
  tables: [
    'book_position',
    'exchanges',
    'exchange_parts',
    'exchange_funds',
    'settlements',
    'settlement_taken',
    'settlement_carried',
  ],
  types: [...exchangeTypes, ...settlementTypes],
  async apply(client, events) {
    let ledgerPosition = 0;
    for (const event of events) {
      if (isExchangeEvent(event)) {
        await applyExchange(client, event);
        if (event.type === 'ExchangeCaptured') ledgerPosition = Math.max(ledgerPosition, event.data.ledger.position);
      } else await applySettlement(client, event as RecordedEvent & SettlementEvent);
    }
    const last = events.at(-1);
    if (!last) return;
    await client.query(
      `insert into book_position (id, position, ledger_position) values (1, $1, $2)
       on conflict (id) do update set position = excluded.position,
         ledger_position = greatest(book_position.ledger_position, excluded.ledger_position)`,
      [last.position, ledgerPosition],
    );
  },
};

function isExchangeEvent(event: RecordedEvent): event is RecordedEvent & ExchangeEvent {
  return (exchangeTypes as readonly string[]).includes(event.type);
}
