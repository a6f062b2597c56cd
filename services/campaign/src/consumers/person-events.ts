import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { topics } from '@tsunagu/contracts';
import type { FeedBatch } from '@tsunagu/event-feed';
import { IdentityOutcomes } from '../workflows/identity-outcomes.js';

/** What staff found out about persons: held claims go on or end, merges are followed. */
@Controller()
export class PersonEvents {
  constructor(private readonly outcomes: IdentityOutcomes) {}

  @EventPattern(topics.person)
  onPersonEvents(@Payload() batch: FeedBatch): Promise<void> {
    return this.outcomes.follow(batch);
  }
}
