import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { derivedId } from '@tsunagu/kernel';
import { DATABASE, LOGGER, PROJECTIONS, type ProjectionReader } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { type ListGrant, type ListStage, lastRowReached, runningStage } from '../domain/list-grant.js';
import { listCauseId, listOrder } from '../domain/list-order.js';
import { type AccountAct, AccountActs } from './account-acts.js';
import { Grants } from './grants.js';
import { ListBook, type ListSeen } from './list-book.js';
import { ListTables } from './list-tables.js';
import { reversalAct } from './proposals.js';
import { underSessionLock } from './session-lock.js';

/** Rows between two looks at the list: after a pause at most these are still granted. */
const ROWS_AT_ONCE = 2_000;
const RECALLED_AT_ONCE = 1_000;
/** First key of the two-part advisory lock, apart from other users of advisory locks in the same database. */
const LOCK_CLASS = 0x4c495354;

/**
 * Grants the rows of a stage through the ledger's ordinary grant. How far it is stands on the list's stream; what was granted
 * beyond that is known by derived ids. So a run may be cut off anywhere, and the next one leaves nobody out and grants nobody twice.
 */
@Injectable()
export class ListRun implements OnModuleDestroy {
  private readonly running = new Map<string, Promise<void>>();
  private stopped = false;

  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly grants: Grants,
    private readonly acts: AccountActs,
    private readonly book: ListBook,
    private readonly tables: ListTables,
  ) {}

  /** Does what a list waits for, until a person is to act or another process does it. */
  run(listId: string): Promise<void> {
    const known = this.running.get(listId);
    if (known) return known;
    const run = this.runAlone(listId).finally(() => this.running.delete(listId));
    this.running.set(listId, run);
    return run;
  }

  /** Begins without waiting; a failure is an outage, and the sweeper begins again. */
  begin(listId: string): void {
    this.run(listId).catch((error) => {
      if (!this.stopped) this.logger.error({ err: error, listId }, 'the run of a list stopped');
    });
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    await Promise.allSettled(this.running.values());
  }

  /** The lock only keeps two workers from doing the same work: a second one would change nothing. */
  private async runAlone(listId: string): Promise<void> {
    const keys = { sql: '$1, hashtext($2)', values: [LOCK_CLASS, listId] };
    await underSessionLock(this.database, keys, async (lock) => {
      while (!this.stopped && (await this.step(listId))) lock.assertHeld();
    });
  }

  /** Does the next rows; false where there is nothing to do. */
  private async step(listId: string): Promise<boolean> {
    const seen = await this.book.read(listId);
    if (!seen) return false;
    if (seen.list.state === 'recalling') {
      await this.recallRows(seen);
      return true;
    }
    const stage = runningStage(seen.list);
    if (!stage || seen.list.paused || seen.list.state !== 'approved') return false;
    await this.grantRows(seen, stage);
    return true;
  }

  private async grantRows(seen: ListSeen, { stage, attempt, firstRow, lastRow }: ListStage): Promise<void> {
    const { listId, throughRow, content, release, campaignId, measureId, programmeId } = seen.list;
    if (!content || !release) throw new Error(`a stage of list ${listId} runs without a release`);
    const after = Math.max(throughRow, firstRow - 1);
    const rows = await this.rowsOf(seen.list, attempt, after, lastRow);
    const terms = { listId, campaignId, measureId, programmeId, release };
    await this.grants.decide(
      rows.map((row) => ({
        order: listOrder(terms, row, attempt),
        cause: { id: listCauseId(listId, row.personId, attempt), correlationId: listId },
      })),
    );
    const last = rows.length < ROWS_AT_ONCE ? lastRow : (rows.at(-1)?.rowNumber ?? lastRow);
    const data = { listId, stage, attempt };
    // Losing means that somebody paused the list, or recalls it: the next step looks again.
    if (last === lastRow) await this.book.step(seen, { type: 'ListStageGranted', data }, `${stage} ${attempt}`);
    else {
      const step = `${stage} ${attempt} ${last}`;
      await this.book.step(seen, { type: 'ListStageAdvanced', data: { ...data, throughRow: last } }, step);
    }
  }

  /** Takes back the lots of the next rows. Ids follow from the approval, so what is reversed already is not reversed again. */
  private async recallRows(seen: ListSeen): Promise<void> {
    const { listId, content, recall } = seen.list;
    if (!content || !recall || !seen.recallApproval) throw new Error(`a recall of list ${listId} that nobody approved`);
    const approval = { ...seen.recallApproval, correlationId: listId };
    const through = lastRowReached(seen.list);
    const rows = await this.tables.rows(content.uploadId, recall.throughRow, through, RECALLED_AT_ONCE);
    await this.acts.perform(
      rows.map(({ personId }) => recallAct({ listId, personId, reasonPattern: recall.reasonPattern }, approval)),
    );
    const last = rows.at(-1)?.rowNumber ?? through;
    if (rows.length < RECALLED_AT_ONCE) await this.book.step(seen, { type: 'ListRecalled', data: { listId } }, '');
    else await this.book.step(seen, { type: 'ListRecallAdvanced', data: { listId, throughRow: last } }, `${last}`);
  }

  private async rowsOf(list: ListGrant, attempt: number, after: number, through: number) {
    const uploadId = list.content?.uploadId ?? '';
    if (attempt === 1) return this.tables.rows(uploadId, after, through, ROWS_AT_ONCE);
    if (!(await this.projections.waitFor('lists'))) throw new Error('who was refused is not known yet');
    return this.tables.unpaidRows({ uploadId, listId: list.listId, attempt }, after, through, ROWS_AT_ONCE);
  }
}

/** Takes back what a list granted to one person, caused by the recall's approval. */
export function recallAct(
  { listId, personId, reasonPattern }: { listId: string; personId: string; reasonPattern: string },
  approval: Parameters<typeof reversalAct>[1],
): AccountAct {
  const { id, correlationId, actor } = approval;
  return {
    personId,
    cause: { id, correlationId },
    actor,
    decide: (account, now) => {
      const lot = [...account.lots].find(({ batchId }) => batchId === listId);
      if (!lot) return undefined;
      const reversalId = derivedId(`recall ${personId}`, listId);
      return reversalAct({ reversalId, personId, lotId: lot.lotId, reasonPattern }, approval).decide(account, now);
    },
  };
}
