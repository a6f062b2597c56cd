import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { addDays, type Clock, derivedId, endOfDay, isoTime, type JapanDay, japanDayOf } from '@tsunagu/kernel';
import { CLOCK, CONFIG, LOGGER } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import type { LedgerConfig } from '../config.js';
import { type Account, lotOf } from '../domain/account.js';
import { decideExpiry } from '../domain/expiry.js';
import { isPastExpiry } from '../domain/lot.js';
import { type AccountAct, AccountActs } from '../workflows/account-acts.js';
import { LotRuns, type LotToVisit } from '../workflows/lot-runs.js';
import { Sweeper } from './sweeper.js';

/** Earlier than every lot. */
const BEGINNING = '-infinity';

/**
 * Records what expired, once a day in Japan: every lot whose term ended by the end of the day before. Nobody can use a lot
 * past its term, recorded or not (domain/lot.ts), so the job may be late. What comes later with an earlier term, the next
 * day's run finds: each begins at the soonest expiry.
 */
@Injectable()
export class ExpiryJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: Sweeper;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) logger: Logger,
    @Inject(CONFIG) config: LedgerConfig,
    private readonly runs: LotRuns,
    private readonly acts: AccountActs,
  ) {
    this.sweeper = new Sweeper(
      () => this.sweep(),
      config.sweepSeconds * 1000,
      (error) => logger.error({ err: error }, 'the expiry job failed'),
    );
  }

  onApplicationBootstrap() {
    this.sweeper.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  /** The run of the last day that has ended in Japan, if it is not finished. */
  async sweep(): Promise<void> {
    const day = addDays(japanDayOf(this.clock.now()), -1);
    await this.runs.run({
      job: 'expiry',
      run: day,
      expiresFrom: BEGINNING,
      expiresTo: isoTime(endOfDay(day)),
      // A term that ends with the day ends at the very instant at which the next one begins.
      includesEnd: true,
      heldToo: false,
      visit: (lots) => this.expire(day, lots),
    });
  }

  private async expire(day: JapanDay, lots: readonly LotToVisit[]): Promise<number> {
    const gone = new Set<string>();
    await this.acts.perform(
      lots.map(({ lotId, personId }) => {
        const act = expiryAct(personId, lotId, day);
        return {
          ...act,
          decide: (account: Account, now: string) => {
            const decided = act.decide(account, now);
            const lot = lotOf(account, lotId);
            // What another worker has recorded meanwhile is done as well.
            if (lot && (decided || (lot.availablePoints === 0 && isPastExpiry(lot, now)))) gone.add(lotId);
            return decided;
          },
        };
      }),
    );
    return gone.size;
  }
}

/** What the run of a day does to one lot. It counts from the end of the term, though never from before the grant. */
export function expiryAct(personId: string, lotId: string, day: JapanDay): AccountAct {
  return {
    personId,
    cause: { id: null, correlationId: derivedId(`expiry of ${day}`, personId) },
    decide(account, now) {
      const lot = lotOf(account, lotId);
      const event = lot && decideExpiry(personId, lot, now);
      if (!event) return undefined;
      const { expiresAt } = event.data;
      const effectiveAt = Date.parse(expiresAt) < Date.parse(lot.grantedAt) ? lot.grantedAt : expiresAt;
      // A lot that was extended after a part had expired expires again: what expired before names which time it is.
      return { event, id: derivedId(`PointsExpired after ${lot.expiredPoints}`, lot.lotId), effectiveAt };
    },
  };
}
