import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Clock, isoTime } from '@tsunagu/kernel';
import { CLOCK, CONFIG, DATABASE, LOGGER, PROJECTIONS, type ProjectionReader } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { LedgerConfig } from '../config.js';
import { FundLowerings } from '../workflows/fund-lowering.js';
import { Proposals } from '../workflows/proposals.js';
import { Sweeper } from './sweeper.js';

/** A step that was not taken in this time was left out by a crash. Taking it twice is harmless. */
const STEP_OVERDUE_MS = 10_000;
const ITEMS_PER_SWEEP_MAX = 200;

/** Carries out what is approved and not done: extensions as they come, the rest where a crash cut it off; and carry-overs that did not arrive. */
@Injectable()
export class ChangeSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: Sweeper;

  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CONFIG) config: LedgerConfig,
    private readonly proposals: Proposals,
    private readonly lowerings: FundLowerings,
  ) {
    this.sweeper = new Sweeper(
      () => this.sweep(),
      config.sweepSeconds * 1000,
      (error) => logger.error({ err: error }, 'the sweep of approved changes failed'),
    );
  }

  onApplicationBootstrap() {
    this.sweeper.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  async sweep(): Promise<void> {
    await this.projections.waitFor('proposals');
    const approved = await this.database.query<{ proposal_id: string }>(approvedQuery, [ITEMS_PER_SWEEP_MAX]);
    for (const { proposal_id: proposalId } of approved.rows)
      await this.attempt({ proposalId }, () => this.proposals.carryOut(proposalId));
    await this.projections.waitFor('carry-overs');
    const overdueBefore = isoTime(this.clock.now() - STEP_OVERDUE_MS);
    const left = await this.database.query<{ lowered_id: string; from_fund_id: string }>(overdueQuery, [
      overdueBefore,
      ITEMS_PER_SWEEP_MAX,
    ]);
    for (const { lowered_id: loweredId, from_fund_id: fundId } of left.rows) {
      this.logger.warn({ alarm: 'carry_over_overdue', fundId, loweredId }, 'a carry-over is repaired');
      await this.attempt({ fundId, loweredId }, () => this.lowerings.repair(fundId, loweredId));
    }
  }

  /** One that cannot be done does not keep the others from it. */
  private async attempt(about: object, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      this.logger.error({ alarm: 'change_not_carried_out', ...about, err: error }, 'an approved change is not done');
    });
  }
}

const approvedQuery = `select proposal_id from proposals where state = 'approved' order by position limit $1`;

const overdueQuery = `
  select lowered_id, from_fund_id from carry_overs where lowered_at <= $1 order by lowered_at, lowered_id limit $2`;
