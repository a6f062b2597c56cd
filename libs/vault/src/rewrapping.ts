import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Rounds } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { VaultMaster, VaultMasters } from './masters.js';
import { rewrapBatch } from './rotation.js';

/** Rows of one transaction: a writer of one of these waits for no more than this. */
const batchRows = 200;
/** Batches between two lines of progress. */
const reportEvery = 250;
const firstId = '00000000-0000-0000-0000-000000000000';

/**
 * After a new master key has come into force: seals with it what older generations seal, the oldest first. Several
 * processes share the work. Each round begins anew and finds what is left, so that nothing needs to be remembered.
 */
export class Rewrapping implements OnModuleInit, OnModuleDestroy {
  private readonly rounds = new Rounds();
  private stopping = false;

  constructor(
    private readonly parts: {
      readonly database: Pool;
      readonly logger: Logger;
      readonly masters: VaultMasters;
      readonly everyMs: number;
    },
  ) {}

  onModuleInit(): void {
    this.rounds.start(this.parts.everyMs, () => this.run());
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    await this.rounds.stop();
  }

  private async run(): Promise<void> {
    const { masters, logger } = this.parts;
    try {
      await masters.look();
      for (const reason of masters.lacking()) logger.error({ reason }, 'a master key of the vault cannot be used here');
      const to = await masters.wrapping();
      for (const from of masters.olderThan(to)) await this.rewrap(from, to);
    } catch (error) {
      logger.warn({ reason: (error as Error).message }, `${masters.use.rows} were not rewrapped; tried again later`);
    }
  }

  private async rewrap(from: VaultMaster, to: VaultMaster): Promise<void> {
    const { database, logger, masters } = this.parts;
    const what = masters.use.rows;
    const done = { from: from.generation, to: to.generation, rewrapped: 0, unopened: 0 };
    let after: string | undefined = firstId;
    for (let batch = 1; after !== undefined && !this.stopping; batch += 1) {
      const rewrapped = await rewrapBatch(database, masters.use, { from, to }, after, batchRows);
      after = rewrapped.after;
      done.rewrapped += rewrapped.rewrapped;
      done.unopened += rewrapped.unopened;
      if (batch % reportEvery === 0) logger.info(done, `${what} are being rewrapped`);
    }
    if (done.rewrapped > 0) logger.info(done, `${what} were rewrapped`);
    if (done.unopened > 0) logger.error(done, `${what} do not open with their master key`);
  }
}
