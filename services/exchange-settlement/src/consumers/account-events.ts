import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { schemaErrors, topics } from '@tsunagu/contracts';
import { type FeedBatch, UnprocessableMessage } from '@tsunagu/event-feed';
import { LedgerAnswers, ledgerTypes } from '../workflows/ledger-answers.js';

/** The ledger's answers about holds. */
@Controller()
export class AccountEventsConsumer {
  constructor(private readonly answers: LedgerAnswers) {}

  @EventPattern(topics.account)
  async onAccountEvents(@Payload() batch: FeedBatch): Promise<void> {
    const answers = batch.filter((message) => ledgerTypes.includes(message.type));
    for (const { id, type, schemaVersion, data } of answers) {
      const [fault] = schemaErrors(type, schemaVersion, data);
      if (fault) throw new UnprocessableMessage(id, `${type}: ${fault}`);
    }
    if (answers.length > 0) await this.answers.take(answers);
  }
}
