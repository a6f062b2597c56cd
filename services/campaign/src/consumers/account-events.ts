import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { topics } from '@tsunagu/contracts';
import type { FeedBatch } from '@tsunagu/event-feed';
import { DoubledGrants } from '../workflows/doubled-grants.js';
import { LedgerAnswers } from '../workflows/ledger-answers.js';

/** The ledger's answers come back here: a claim becomes granted or refused. */
@Controller()
export class AccountEvents {
  constructor(
    private readonly answers: LedgerAnswers,
    private readonly doubled: DoubledGrants,
  ) {}

  @EventPattern(topics.account)
  async onAccountEvents(@Payload() batch: FeedBatch): Promise<void> {
    await this.answers.record(batch);
    await this.doubled.reversed(batch);
  }
}
