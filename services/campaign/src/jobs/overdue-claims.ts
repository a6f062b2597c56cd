import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '@tsunagu/kernel';
import { CLOCK, CONFIG, LOGGER, METRICS, QuestionUnanswered } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { CampaignConfig } from '../config.js';
import { Asking } from '../outbound/questions.js';
import { ClaimIndex, type ClaimRow } from '../projections/claim-index.js';
import { LedgerAnswers } from '../workflows/ledger-answers.js';
import { every } from './every.js';

/** Claims asked for in one round, in groups at the same moment. */
const ROUND_MAX = 200;
const GROUP = 10;
/** Claim ids named in an alarm. */
const NAMED_MAX = 10;

/**
 * Looks after claims that the ledger should have answered by now: asks it, takes what it finds as if it had just arrived, and raises
 * an alarm. A claim that the ledger has never seen is not sent again: the log is its outbox, so it is the feed that has to be looked at.
 */
@Injectable()
export class OverdueClaims implements OnApplicationBootstrap, OnModuleDestroy {
  private job: { stop(): Promise<void> } | undefined;
  /** Where the next round goes on: those that stay unanswered must not keep the rest from being asked for. */
  private last: ClaimRow | undefined;
  private readonly waiting: Gauge;
  private readonly found: Counter<'state'>;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CONFIG) private readonly config: CampaignConfig,
    @Inject(METRICS) registry: Registry,
    private readonly index: ClaimIndex,
    private readonly asking: Asking,
    private readonly answers: LedgerAnswers,
  ) {
    const registers = [registry];
    this.waiting = new Gauge({
      name: 'tsunagu_claims_overdue',
      help: 'Claims accepted longer ago than the deadline and without an answer of the ledger',
      registers,
    });
    this.found = new Counter({
      name: 'tsunagu_claims_swept_total',
      help: "Overdue claims asked for, by the ledger's answer",
      labelNames: ['state'],
      registers,
    });
  }

  onApplicationBootstrap(): void {
    this.job = every(this.config.sweepSeconds * 1_000, 'overdue claims', this.logger, () => this.round());
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  async round(): Promise<void> {
    const before = this.clock.now() - this.config.claimDeadlineSeconds * 1_000;
    const { count, oldestAskedAt } = await this.index.overdueCount(before);
    this.waiting.set(count);
    if (count === 0) return;
    const rows = await this.index.overdue(before, this.last, ROUND_MAX);
    this.last = rows.length === ROUND_MAX ? rows.at(-1) : undefined;
    const named = rows.slice(0, NAMED_MAX).map(({ claimId }) => claimId);
    this.logger.error({ alarm: 'claims_overdue', count, oldestAskedAt, claimIds: named }, 'claims wait for the ledger');
    for (let from = 0; from < rows.length; from += GROUP) {
      // A ledger that does not answer is asked again in the next round.
      if (!(await this.settle(rows.slice(from, from + GROUP)))) return;
    }
  }

  private async settle(rows: readonly ClaimRow[]): Promise<boolean> {
    const asked = await Promise.allSettled(rows.map((row) => this.asking.grant(row.personId, row.claimId)));
    for (const answer of asked) {
      if (answer.status === 'rejected') {
        if (answer.reason instanceof QuestionUnanswered) return false;
        throw answer.reason;
      }
      this.found.inc({ state: answer.value.state });
      if (answer.value.event) await this.answers.record([answer.value.event]);
    }
    return true;
  }
}
