import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { CONFIG, LOGGER, Rounds } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import type { ServiceLinkConfig } from '../config.js';
import { ErasingLinks } from '../workflows/erasing-links.js';

/** Finishes erasures: those just heard of, those that a crash cut off, and those that waited for an exchange. */
@Injectable()
export class LinkErasures implements OnModuleInit, OnModuleDestroy {
  private readonly rounds = new Rounds();

  constructor(
    private readonly erasing: ErasingLinks,
    @Inject(CONFIG) private readonly config: Pick<ServiceLinkConfig, 'sweepSeconds'>,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn' | 'info'>,
  ) {}

  onModuleInit(): void {
    this.rounds.start(this.config.sweepSeconds * 1_000, () => this.run());
  }

  async onModuleDestroy(): Promise<void> {
    await this.rounds.stop();
  }

  soon(): void {
    this.rounds.now();
  }

  async run(): Promise<void> {
    try {
      for (const { personId, erasureId } of await this.erasing.unfinished()) await this.#finish(personId, erasureId);
    } catch (error) {
      this.logger.warn({ reason: (error as Error).message }, 'erasures were not looked for; tried again later');
    }
  }

  /** One that fails does not keep the others waiting. */
  async #finish(personId: string, erasureId: string): Promise<void> {
    try {
      const waitsFor = await this.erasing.finish(personId);
      if (waitsFor.length > 0)
        this.logger.info({ erasureId, exchanges: waitsFor.length }, 'an erasure waits for exchanges under way');
    } catch (error) {
      this.logger.warn(
        { erasureId, reason: (error as Error).message },
        'an erasure is not done yet; tried again later',
      );
    }
  }
}
