import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Clock, isoTime } from '@tsunagu/kernel';
import { CLOCK, CONFIG, DATABASE, LOGGER, PROJECTIONS, type ProjectionReader } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { LedgerConfig } from '../config.js';
import { Leases } from '../workflows/leases.js';
import { WorkerSlot } from '../workflows/worker-slot.js';
import { Sweeper } from './sweeper.js';

/** A step that its worker did not take in this time was left out by a crash. Taking it twice is harmless. */
const STEP_OVERDUE_MS = 10_000;
const LEASES_PER_SWEEP_MAX = 200;
/** The first sweep closes what the predecessor of this worker's slot left behind. */
const FIRST_SWEEP_MS = 500;

interface LeaseRow {
  readonly lease_id: string;
  readonly fund_id: string;
  readonly slot: number;
  readonly step: 'leased' | 'opened' | 'closed';
  readonly is_overdue: boolean;
}

/** Repeats the steps of leases that a crash left out, and closes the leases of workers that are gone. */
@Injectable()
export class LeaseSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: Sweeper;

  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CONFIG) config: LedgerConfig,
    private readonly leases: Leases,
    private readonly slot: WorkerSlot,
  ) {
    this.sweeper = new Sweeper(
      () => this.sweep(),
      config.sweepSeconds * 1000,
      (error) => logger.error({ err: error }, 'the lease sweep failed'),
    );
  }

  onApplicationBootstrap() {
    this.sweeper.start(FIRST_SWEEP_MS);
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  async sweep(): Promise<void> {
    if (!(await this.projections.waitFor('fund-leases'))) return;
    const own = await this.slot.number();
    const overdueBefore = isoTime(this.clock.now() - STEP_OVERDUE_MS);
    const { rows } = await this.database.query<LeaseRow>(leasesQuery, [overdueBefore, LEASES_PER_SWEEP_MAX]);
    for (const { lease_id: leaseId, fund_id: fundId, slot, step, is_overdue: isOverdue } of rows) {
      if (this.leases.isOwn(fundId, leaseId)) continue;
      const isLeft = slot === own || (await this.slot.isVacant(slot));
      if (!isLeft && (step === 'opened' || !isOverdue)) continue;
      // A worker that stops leaves its leases open on purpose; a step left out is a crash.
      if (step === 'opened')
        this.logger.info({ fundId, leaseId, slot }, 'the lease of a worker that is gone is closed');
      else this.logger.warn({ alarm: 'lease_step_overdue', fundId, leaseId, slot, step }, 'a lease is repaired');
      await this.leases.repair(fundId, leaseId, { close: isLeft });
    }
  }
}

const leasesQuery = `
  select lease_id, fund_id, slot, step, changed_at < $1 as is_overdue
    from fund_leases
   where slot is not null and not is_returned
   order by changed_at
   limit $2`;
