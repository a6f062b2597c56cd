import { Inject, Injectable } from '@nestjs/common';
import { type Clock, isoTime } from '@tsunagu/kernel';
import { CLOCK, DATABASE, LOGGER, PROJECTIONS, type ProjectionReader } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { type SessionLock, underSessionLock } from './session-lock.js';

/** Lots in one page: as many accounts are read in one query and written in one commit. */
const PAGE_LOTS = 1_000;
/** Second key of the advisory lock, apart from other users of advisory locks in the same schema. */
const LOCK_KEY = 0x4c4f5453;

export interface LotToVisit {
  readonly lotId: string;
  readonly personId: string;
}

export interface LotRun {
  readonly job: 'expiry' | 'extension';
  /** A run that is finished is never done again. */
  readonly run: string;
  /** The lots to visit end in this time: from (included) to, and at `to` too where `includesEnd`. */
  readonly expiresFrom: string;
  readonly expiresTo: string;
  readonly includesEnd: boolean;
  /** Only this owner's. */
  readonly ownerId?: string;
  /** Lots of which all is held are visited too. */
  readonly heldToo: boolean;
  /** Does what is to be done with a page of lots; a page may come again. Gives the number of lots for which it is done now. */
  visit(lots: readonly LotToVisit[]): Promise<number>;
}

export interface RunProgress {
  readonly lots: number;
  readonly finished: boolean;
}

interface ProgressRow {
  readonly after_expires_at: string | null;
  readonly after_lot_id: string | null;
  /** The page at hand, chosen and not known to be done. */
  readonly page: readonly PageLot[] | null;
  readonly lots: string;
  readonly finished_at: Date | null;
}

interface PageLot extends LotToVisit {
  readonly expiresAt: string;
}

/**
 * Visits lots in the order of their expiry, page by page, and keeps where it is: a run that was cut anywhere goes on at the
 * page it was at. One process at a time, by a lock of the session: one that loses it stops at its page.
 */
@Injectable()
export class LotRuns {
  private isStopped = false;

  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Runs to the end, or as far as it can: another process at work, a read model behind, a stop. */
  async run(run: LotRun): Promise<RunProgress> {
    const before = await this.progress(run);
    if (before?.finished) return before;
    const progress = await underSessionLock(this.database, lockKeys, async (lock) => {
      // The lots of every grant recorded so far must be there: one that is missed here is missed for good.
      if (!(await this.projections.waitFor('lots'))) return undefined;
      return this.visitAll(run, lock);
    });
    return progress ?? before ?? { lots: 0, finished: false };
  }

  /** Undefined before its first page. */
  async progress({ job, run }: Pick<LotRun, 'job' | 'run'>): Promise<RunProgress | undefined> {
    const row = await this.row(job, run);
    return row && { lots: Number(row.lots), finished: row.finished_at !== null };
  }

  onModuleDestroy() {
    this.isStopped = true;
  }

  private async visitAll(run: LotRun, lock: SessionLock): Promise<RunProgress> {
    await this.database.query(begin, [run.job, run.run, isoTime(this.clock.now())]);
    for (;;) {
      lock.assertHeld();
      const place = await this.row(run.job, run.run);
      if (!place) throw new Error(`run ${run.job} ${run.run} has no progress`);
      if (place.finished_at || this.isStopped)
        return { lots: Number(place.lots), finished: place.finished_at !== null };
      const at = [run.job, run.run, place.after_expires_at, place.after_lot_id];
      if (!place.page) {
        // Kept before it is worked on: what is done of it is no longer found by its expiry, and would not be counted.
        await this.database.query(choose, [...at, JSON.stringify(await this.page(run, place))]);
        continue;
      }
      const last = place.page.at(-1);
      const done = last ? await run.visit(place.page) : 0;
      const next = [last?.expiresAt ?? place.after_expires_at, last?.lotId ?? place.after_lot_id];
      const isLast = place.page.length < PAGE_LOTS;
      // Another process that took the same page may have counted it: whoever moves the place counts.
      await this.database.query(advance, [...at, ...next, done, isoTime(this.clock.now()), isLast]);
      this.logger.info({ job: run.job, run: run.run, lots: Number(place.lots) + done }, 'a page of lots is done');
    }
  }

  private async page(run: LotRun, place: ProgressRow): Promise<readonly PageLot[]> {
    const { rows } = await this.database.query<{ lot_id: string; person_id: string; expires_at: string }>(pageQuery, [
      run.expiresFrom,
      run.expiresTo,
      run.includesEnd,
      run.ownerId ?? null,
      run.heldToo,
      place.after_expires_at ?? '-infinity',
      place.after_lot_id ?? '00000000-0000-0000-0000-000000000000',
      PAGE_LOTS,
    ]);
    return rows.map((row) => ({ lotId: row.lot_id, personId: row.person_id, expiresAt: row.expires_at }));
  }

  private async row(job: string, run: string): Promise<ProgressRow | undefined> {
    const { rows } = await this.database.query<ProgressRow>(progressQuery, [job, run]);
    return rows[0];
  }
}

const lockKeys = { sql: 'hashtext(current_schema()), $1', values: [LOCK_KEY] };

const begin = `
  insert into lot_jobs (job, run, started_at, changed_at) values ($1, $2, $3, $3) on conflict (job, run) do nothing`;

const progressQuery = `
  select after_expires_at::text, after_lot_id, page, lots, finished_at from lot_jobs where job = $1 and run = $2`;

const isAt = `
   where job = $1 and run = $2
     and after_expires_at is not distinct from $3::timestamptz and after_lot_id is not distinct from $4::uuid`;

const choose = `update lot_jobs set page = $5 ${isAt} and page is null`;

const advance = `
  update lot_jobs
     set after_expires_at = $5, after_lot_id = $6, lots = lots + $7, changed_at = $8, page = null,
         finished_at = case when $9 then $8::timestamptz end
  ${isAt} and finished_at is null`;

// The sum is the condition of the index on (expires_at, lot_id).
const pageQuery = `
  select lot_id, person_id, expires_at::text
    from lots
   where available_points + held_points > 0
     and expires_at >= $1 and (expires_at < $2 or ($3 and expires_at = $2))
     and ($4::text is null or owner_id = $4)
     and ($5 or available_points > 0)
     and (expires_at, lot_id) > ($6::timestamptz, $7::uuid)
   order by expires_at, lot_id
   limit $8`;
