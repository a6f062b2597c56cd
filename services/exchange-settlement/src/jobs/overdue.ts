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
import type { ExchangeConfig } from '../config.js';
import { askHold } from '../outbound/questions.js';
import { ExchangeWorkflow } from '../workflows/exchange.js';
import { LedgerAnswers } from '../workflows/ledger-answers.js';

/** Exchanges taken up in one sweep, oldest first; the next sweep takes more. */
const sweepMax = 1_000;
/** The start waits so long for the read model that lists open exchanges; later sweeps find what is missing then. */
const startWaitMs = 5_000;

/**
 * Lists every open exchange: those at the provider are worked on again, those that wait for the ledger past their time are asked
 * for there and the answer is taken as if it had just arrived. The list is a read model; what is done is decided on the streams.
 */
@Injectable()
export class OverdueSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: ExchangeConfig,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    private readonly workflow: ExchangeWorkflow,
    private readonly answers: LedgerAnswers,
  ) {}

  onApplicationBootstrap(): void {
    this.#schedule(0);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async sweep(): Promise<void> {
    await this.projections.waitFor('exchange_book', undefined, startWaitMs);
    const atProvider = await this.database.query<{ exchange_id: string }>(
      `select exchange_id from exchanges where status in ('held', 'submitted', 'outcome_unknown', 'under_review')
       order by changed_at limit ${sweepMax}`,
    );
    for (const { exchange_id } of atProvider.rows) {
      if (!this.workflow.isAtWork(exchange_id)) void this.workflow.advance(exchange_id);
    }
    const before = isoTime(this.clock.now() - this.config.ledgerOverdueSeconds * 1_000);
    const atLedger = await this.database.query<{ exchange_id: string; person_id: string; status: string }>(
      `(select exchange_id, person_id, status from exchanges
        where status in ('requested', 'confirmed') and changed_at < $1 order by changed_at limit ${sweepMax})
       union all
       (select exchange_id, person_id, status from exchanges
        where status in ('rejected', 'cancelled') and hold_id is not null and not released and changed_at < $1
        order by changed_at limit ${sweepMax})`,
      [before],
    );
    if (atLedger.rows.length > 0) {
      this.logger.error(
        { alarm: 'exchanges_overdue_at_ledger', count: atLedger.rows.length },
        'exchanges wait for the ledger past their time',
      );
    }
    for (const { exchange_id, person_id } of atLedger.rows) {
      if (this.#stopped) return;
      const hold = await askHold(this.questions, person_id, exchange_id);
      if (hold?.event) await this.answers.take([hold.event]);
    }
  }

  #schedule(afterMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.sweep()
        .catch((error) =>
          this.logger.warn(
            { error: error instanceof Error ? error.name : typeof error },
            'a sweep of exchanges failed',
          ),
        )
        .finally(() => this.#schedule(this.config.sweepSeconds * 1_000));
    }, afterMs).unref();
  }
}
