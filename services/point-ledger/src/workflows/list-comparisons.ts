import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { addMonths, type Clock, derivedId, isoTime, japanDayOf, ok, startOfDay } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOGS, LOGGER, Problem } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import { type Comparing, comparisonTotals, standingOf } from '../domain/list-comparison.js';
import type { ListGrant } from '../domain/list-grant.js';
import { listRowsMax } from '../domain/list-rows.js';
import { Accounts, seenAccount } from './accounts.js';
import { Leases } from './leases.js';
import { type Acting, type FirstLog, ListBook } from './list-book.js';
import { ListTables, type Match, type StoredRow } from './list-tables.js';

const ROWS_AT_ONCE = 2_000;

export interface ComparisonWish {
  readonly fundId: string;
  readonly months: number;
  readonly by: string;
}

/**
 * Holds a list against what its people were granted before, folded from each account's own stream: no read model can be
 * behind. A million rows take a while, so the outcome is recorded and found on the list.
 */
@Injectable()
export class ListComparisons implements OnModuleDestroy {
  private readonly running = new Map<string, Promise<void>>();
  private stopped = false;

  constructor(
    @Inject(EVENT_LOGS) private readonly logs: FirstLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly accounts: Accounts,
    private readonly leases: Leases,
    private readonly book: ListBook,
    private readonly tables: ListTables,
  ) {}

  /** One at a time a list: the present one is not mixed with another wish. Resolves when the outcome is recorded. */
  compare(list: ListGrant, wish: ComparisonWish, acting: Acting): Promise<void> {
    if (this.running.has(list.listId)) throw new Problem({ code: 'point_ledger.list_busy', retryAfterSeconds: 5 });
    const run = this.compareNow(list, wish, acting)
      .catch((error) => {
        if (!this.stopped) this.logger.error({ err: error, listId: list.listId }, 'a list was not compared');
      })
      .finally(() => this.running.delete(list.listId));
    this.running.set(list.listId, run);
    return run;
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running.values());
  }

  private async compareNow(list: ListGrant, wish: ComparisonWish, acting: Acting): Promise<void> {
    const { listId, measureId, content } = list;
    if (!content) return;
    const now = this.clock.now();
    const since = isoTime(startOfDay(addMonths(japanDayOf(now), -wish.months)));
    const position = await this.logs[0].head();
    const comparisonId = derivedId(`comparison ${now}`, listId);
    const totals = comparisonTotals();
    for (let after = 0; ; ) {
      const rows = await this.tables.rows(content.uploadId, after, listRowsMax, ROWS_AT_ONCE);
      const last = rows.at(-1);
      if (this.stopped) return;
      if (!last) break;
      await this.tables.match(comparisonId, await this.matches(rows, { listId, measureId, since }, totals));
      after = last.rowNumber;
    }
    const { neededPoints, ...sums } = totals.totals();
    const fund = await this.leases.undrawn(wish.fundId);
    const data = {
      listId,
      comparisonId,
      ...wish,
      position,
      ...sums,
      fund: { undrawnPoints: fund?.undrawnPoints ?? 0, neededPoints },
    };
    await this.book.act(listId, acting, () => ok([{ type: 'ListCompared', data }]));
  }

  private async matches(
    rows: readonly StoredRow[],
    comparing: Comparing,
    totals: ReturnType<typeof comparisonTotals>,
  ): Promise<readonly Match[]> {
    const accounts = await this.accounts.read(rows.map((row) => row.personId));
    return rows.flatMap(({ rowNumber, personId, amountPoints }) => {
      const standing = standingOf(seenAccount(accounts, personId).account, comparing);
      totals.add(amountPoints, standing);
      const { kind, otherListId, grantedAt } = standing;
      return kind === 'fresh' ? [] : [{ rowNumber, personId, kind, otherListId, grantedAt }];
    });
  }
}
