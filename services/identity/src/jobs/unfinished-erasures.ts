import { randomUUID } from 'node:crypto';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Rounds } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import type { ErasureIndex } from '../projections/erasure-index.js';
import type { Erasing } from '../workflows/erasing.js';

const everyMs = 60_000;
/** Erasures looked at in one round. */
const roundMax = 100;

/** Finishes approved erasures that a crash or an outage cut off before the keys were destroyed. */
export class UnfinishedErasures implements OnModuleInit, OnModuleDestroy {
  private readonly rounds = new Rounds();

  constructor(
    private readonly index: Pick<ErasureIndex, 'unfinished'>,
    private readonly erasing: Pick<Erasing, 'finish'>,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  onModuleInit(): void {
    this.rounds.start(everyMs, () => this.run());
  }

  async onModuleDestroy(): Promise<void> {
    await this.rounds.stop();
  }

  async run(): Promise<void> {
    try {
      for (const erasureId of await this.index.unfinished(roundMax)) await this.finish(erasureId);
    } catch (error) {
      this.logger.warn(
        { reason: (error as Error).message },
        'unfinished erasures were not looked for; tried again later',
      );
    }
  }

  /** One that fails does not keep the others waiting. */
  private async finish(erasureId: string): Promise<void> {
    try {
      await this.erasing.finish(erasureId, randomUUID());
    } catch (error) {
      const reason = (error as Error).message;
      this.logger.warn({ erasureId, reason }, 'an approved erasure is not done yet; tried again later');
    }
  }
}
