import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '@tsunagu/kernel';
import { CLOCK, LOGGER } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import { CampaignIndex } from '../projections/campaign-index.js';
import { CampaignLaunch } from '../workflows/campaign-launch.js';
import { every } from './every.js';

const PAUSE_MS = 1_000;

/** Records that scheduled campaigns opened and others reached their closing time. Claims do not wait for it: they go by the clock itself. */
@Injectable()
export class CampaignClock implements OnApplicationBootstrap, OnModuleDestroy {
  private job: { stop(): Promise<void> } | undefined;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly index: CampaignIndex,
    private readonly launch: CampaignLaunch,
  ) {}

  onApplicationBootstrap(): void {
    this.job = every(PAUSE_MS, 'campaign clock', this.logger, () => this.round());
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  async round(): Promise<void> {
    const due = await this.index.due(this.clock.now());
    if (due.length > 0) await this.launch.followClock(due);
  }
}
