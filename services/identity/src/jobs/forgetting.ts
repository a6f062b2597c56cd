import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { LOGGER } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import { BegunLogins } from '../outbound/begun-logins.js';
import { Challenges } from '../outbound/challenges.js';
import { SessionEnds } from '../outbound/session-ends.js';

const everyMs = 60_000;

/** Deletes challenges, begun logins and ended sessions that no longer matter. */
@Injectable()
export class Forgetting implements OnModuleInit, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly challenges: Challenges,
    private readonly sessionEnds: SessionEnds,
    private readonly begunLogins: BegunLogins,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.run(), everyMs).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async run(): Promise<void> {
    try {
      await Promise.all([this.challenges, this.sessionEnds, this.begunLogins].map((each) => each.forgetOld()));
    } catch {
      this.logger.warn('old challenges and sessions were not deleted; tried again in a minute');
    }
  }
}
