import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type DataOf, topics } from '@tsunagu/contracts';
import { type FeedBatch, type FeedMessage, UnprocessableMessage } from '@tsunagu/event-feed';
import type { HoldRequest } from '../domain/hold.js';
import { type HoldAct, Holds } from '../workflows/holds.js';

/** Requested exchanges become holds; their recorded ends capture or release them. */
@Controller()
export class ExchangesConsumer {
  constructor(private readonly holds: Holds) {}

  @EventPattern(topics.exchange)
  async onExchanges(@Payload() batch: FeedBatch): Promise<void> {
    const acts = batch.flatMap((message) => actOf(message) ?? []);
    if (acts.length === 0) return;
    const [contradiction] = await this.holds.decide(acts);
    if (contradiction) throw new UnprocessableMessage(contradiction.act.cause.id, contradiction.detail);
  }
}

/** Undefined for an event that asks nothing of the ledger. */
function actOf(message: FeedMessage): HoldAct | undefined {
  const { id, correlationId } = message;
  const cause = { id, correlationId };
  switch (message.type) {
    case 'ExchangeRequested':
      return { kind: 'request', request: message.data as HoldRequest, cause };
    case 'ExchangeConfirmed': {
      const { exchangeId, personId, points } = message.data as DataOf<'ExchangeConfirmed'>;
      return {
        kind: 'end',
        end: { exchangeId, personId, outcome: 'confirmed', points, reasonCode: 'confirmed' },
        cause,
      };
    }
    case 'ExchangeRejected':
    case 'ExchangeCancelled': {
      const { exchangeId, personId, reasonCode } = message.data as DataOf<'ExchangeRejected'>;
      return { kind: 'end', end: { exchangeId, personId, outcome: 'released', reasonCode }, cause };
    }
    default:
      return undefined;
  }
}
