import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Clock, isoTime } from '@tsunagu/kernel';
import {
  CLOCK,
  CONFIG,
  DATABASE,
  LOGGER,
  PROJECTIONS,
  type ProjectionReader,
  QUESTIONS,
  type Questions,
} from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { LedgerConfig } from '../config.js';
import { Holds } from '../workflows/holds.js';
import { Sweeper } from './sweeper.js';

const HOLDS_PER_SWEEP_MAX = 500;

interface HoldRow {
  readonly exchange_id: string;
  readonly person_id: string;
  readonly held_at: Date;
}

interface OwnersAnswer {
  readonly state: string;
  readonly outcome: 'confirmed' | 'released' | 'open';
  /** The recorded event that ended the exchange; the ids of what follows derive from it, as if it had just arrived. */
  readonly eventId: string | null;
  /** What the provider credited, where it was confirmed. */
  readonly points?: number | null;
}

/**
 * Asks the owner of every hold past its deadline what became of it. Only the owner's recorded outcome captures or
 * releases; anything else leaves the points held and raises an alarm (DESIGN: holds never release themselves).
 */
@Injectable()
export class HoldSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: Sweeper;
  private lastExchangeId: string | null = null;

  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CONFIG) config: LedgerConfig,
    private readonly holds: Holds,
  ) {
    this.sweeper = new Sweeper(
      () => this.sweep(),
      config.sweepSeconds * 1000,
      (error) => logger.error({ err: error }, 'the hold sweep failed'),
    );
  }

  onApplicationBootstrap() {
    this.sweeper.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  /** One page of overdue holds, in the order of their ids, so that a long list is gone through in turns. */
  async sweep(): Promise<void> {
    await this.projections.waitFor('open-holds');
    const { rows } = await this.database.query<HoldRow>(overdueQuery, [
      isoTime(this.clock.now()),
      this.lastExchangeId,
      HOLDS_PER_SWEEP_MAX,
    ]);
    this.lastExchangeId = rows.length < HOLDS_PER_SWEEP_MAX ? null : (rows.at(-1)?.exchange_id ?? null);
    for (const row of rows) await this.ask(row);
  }

  private async ask({ exchange_id: exchangeId, person_id: personId, held_at: heldAt }: HoldRow): Promise<void> {
    const path = `exchanges/${exchangeId}/outcome`;
    const answer = await this.questions.ask<OwnersAnswer>('exchange-settlement', path);
    if (!answer || answer.outcome === 'open' || answer.eventId === null) {
      const ageSeconds = Math.round((this.clock.now() - heldAt.getTime()) / 1000);
      const alarm = answer ? 'hold_past_deadline' : 'hold_without_exchange';
      this.logger.warn({ alarm, exchangeId, ageSeconds, state: answer?.state }, 'a hold is past its deadline');
      return;
    }
    const credited = typeof answer.points === 'number' ? { points: answer.points } : {};
    const end = { exchangeId, personId, outcome: answer.outcome, reasonCode: answer.state, ...credited };
    const cause = { id: answer.eventId, correlationId: exchangeId };
    const [contradiction] = await this.holds.decide([{ kind: 'end', end, cause }]);
    if (contradiction) this.logger.error({ alarm: 'hold_contradicted', exchangeId }, contradiction.detail);
  }
}

const overdueQuery = `
  select exchange_id, person_id, held_at
    from open_holds
   where ask_owner_at <= $1 and ($2::uuid is null or exchange_id > $2)
   order by exchange_id
   limit $3`;
