import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { LOGGER } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import { BegunLogins } from '../outbound/begun-logins.js';
import { Challenges } from '../outbound/challenges.js';
import { ClientAssertions } from '../outbound/client-assertions.js';
import { SessionEnds } from '../outbound/session-ends.js';
import { StaffSessions } from '../outbound/staff-sessions.js';
import { BEGUN_STAFF_LOGINS } from '../staff-login.js';

const everyMs = 60_000;

/** Deletes challenges, begun logins, ended sessions and used assertions that no longer matter. */
@Injectable()
export class Forgetting implements OnModuleInit, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly challenges: Challenges,
    private readonly sessionEnds: SessionEnds,
    private readonly begunLogins: BegunLogins,
    private readonly assertions: ClientAssertions,
    @Inject(BEGUN_STAFF_LOGINS) private readonly begunStaffLogins: BegunLogins,
    private readonly staffSessions: StaffSessions,
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
      const logins = [this.begunLogins, this.begunStaffLogins];
      const kept = [this.challenges, this.sessionEnds, ...logins, this.staffSessions, this.assertions];
      await Promise.all(kept.map((each) => each.forgetOld()));
    } catch {
      this.logger.warn('old challenges, sessions and assertions were not deleted; tried again in a minute');
    }
  }
}
