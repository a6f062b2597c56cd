import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Clock, isoTime } from '@tsunagu/kernel';
import { CLOCK, CONFIG, LOGGER, METRICS, QuestionUnanswered } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { CampaignConfig } from '../config.js';
import { Asking } from '../outbound/questions.js';
import { ClaimIndex, type ClaimRow } from '../projections/claim-index.js';
import { DoubledGrants } from '../workflows/doubled-grants.js';
import { IdentityOutcomes } from '../workflows/identity-outcomes.js';
import { every } from './every.js';

/** Claims asked for in one round: reviews are few, and they take days. */
const ROUND_MAX = 50;

/**
 * Looks after claims that wait for identity: a review that was decided, a consent withdrawn or a person erased while the claim was being
 * recorded was heard of too early. A card that was revoked is heard of here, because nobody presents it any more.
 * Lists grants, too, that turned out doubled only after the merge, because the ledger was still deciding.
 */
@Injectable()
export class HeldClaims implements OnApplicationBootstrap, OnModuleDestroy {
  private job: { stop(): Promise<void> } | undefined;
  /** Where the next round goes on. */
  private last: ClaimRow | undefined;
  private readonly waiting: Gauge;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CONFIG) private readonly config: CampaignConfig,
    @Inject(METRICS) registry: Registry,
    private readonly index: ClaimIndex,
    private readonly asking: Asking,
    private readonly outcomes: IdentityOutcomes,
    private readonly doubled: DoubledGrants,
  ) {
    this.waiting = new Gauge({
      name: 'tsunagu_claims_held',
      help: 'Claims that wait for a review of identity',
      registers: [registry],
    });
  }

  onApplicationBootstrap(): void {
    this.job = every(this.config.sweepSeconds * 1_000, 'held claims', this.logger, () => this.round());
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  async round(): Promise<void> {
    const count = await this.index.heldCount();
    this.waiting.set(count);
    await this.doubled.find(randomUUID());
    if (count === 0) return;
    const before = this.clock.now() - this.config.claimDeadlineSeconds * 1_000;
    const rows = await this.index.held(before, this.last, ROUND_MAX);
    this.last = rows.length === ROUND_MAX ? rows.at(-1) : undefined;
    for (const row of rows) {
      // An identity that does not answer is asked again in the next round.
      if (!(await this.settle(row))) return;
    }
  }

  private async settle(row: ClaimRow): Promise<boolean> {
    const { personId, claimId } = row;
    const now = isoTime(this.clock.now());
    const outcome = { id: claimId, correlationId: randomUUID(), effectiveAt: now };
    await this.outcomes.endNoted(row, outcome);
    try {
      await this.asking.checkCards(personId);
      const standing = await this.asking.standing(personId, {}, now);
      await this.outcomes.hear(personId, standing, outcome);
      if (standing.personId !== personId) await this.outcomes.endClaims(personId, outcome);
      else if (!standing.underReview) await this.outcomes.release(personId, outcome);
      return true;
    } catch (error) {
      if (error instanceof QuestionUnanswered) return false;
      throw error;
    }
  }
}
