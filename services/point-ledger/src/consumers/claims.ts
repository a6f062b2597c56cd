import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { topics } from '@tsunagu/contracts';
import type { FeedBatch } from '@tsunagu/event-feed';
import type { GrantOrder } from '../domain/grant.js';
import { Grants } from '../workflows/grants.js';

const handled = new Set(['ClaimAccepted', 'ClaimReopened']);

/** A claim that waits for identity comes again, reopened, once its person is known to be nobody else. */
function isHeld(data: unknown): boolean {
  return (data as GrantOrder).heldFor !== undefined;
}

/** Accepted claims become grants or refusals. */
@Controller()
export class ClaimsConsumer {
  constructor(private readonly grants: Grants) {}

  @EventPattern(topics.claim)
  async onClaims(@Payload() batch: FeedBatch): Promise<void> {
    const claims = batch
      .filter((message) => handled.has(message.type) && !isHeld(message.data))
      .map(({ id, correlationId, data }) => ({ order: data as GrantOrder, cause: { id, correlationId } }));
    if (claims.length > 0) await this.grants.decide(claims);
  }
}
