import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { topics } from '@tsunagu/contracts';
import type { FeedBatch } from '@tsunagu/event-feed';
import { LedgerAnswers } from '../workflows/ledger-answers.js';

/** The ledger's answers come back here: a claim becomes granted or refused. */
@Controller()
export class AccountEvents {
  constructor(private readonly answers: LedgerAnswers) {}

  @EventPattern(topics.account)
  onAccountEvents(@Payload() batch: FeedBatch): Promise<void> {
    return this.answers.record(batch);
  }
}
