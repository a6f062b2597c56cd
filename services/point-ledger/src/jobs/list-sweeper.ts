import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, DATABASE, LOGGER, PROJECTIONS, type ProjectionReader } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { LedgerConfig } from '../config.js';
import { ListRun } from '../workflows/list-run.js';
import { Sweeper } from './sweeper.js';

const LISTS_PER_SWEEP_MAX = 20;
/** What a stopped process left goes on soon after the start. */
const FIRST_SWEEP_MS = 700;

/** Takes up the lists that were left in the middle of a stage. */
@Injectable()
export class ListSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: Sweeper;

  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(LOGGER) logger: Logger,
    @Inject(CONFIG) config: LedgerConfig,
    private readonly run: ListRun,
  ) {
    this.sweeper = new Sweeper(
      () => this.sweep(),
      config.sweepSeconds * 1000,
      (error) => logger.error({ err: error }, 'the list sweep failed'),
    );
  }

  onApplicationBootstrap() {
    this.sweeper.start(FIRST_SWEEP_MS);
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  async sweep(): Promise<void> {
    await this.projections.waitFor('lists');
    const { rows } = await this.database.query<{ list_id: string }>(
      'select list_id from lists where is_active order by list_id limit $1',
      [LISTS_PER_SWEEP_MAX],
    );
    for (const { list_id: listId } of rows) await this.run.run(listId);
  }
}
