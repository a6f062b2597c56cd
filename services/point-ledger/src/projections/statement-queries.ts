import { isoTime, japanDayOf, startOfDay } from '@tsunagu/kernel';
import type { Pool, PoolClient } from 'pg';
import type { Cut } from '../domain/account-history.js';
import type { PairTotal } from '../domain/fund-figures.js';

const hourMs = 3_600_000;
/** Nothing is recorded or effective after the year 9000: such a time is no bound. */
const endOfTimeMs = Date.UTC(9000, 0);

/**
 * Work that reads one state of the database, however many queries it takes. Every look-up of a statement has an index: the
 * planner may not read a whole table for it, which it takes for cheaper where an hour has many postings (20 M rows: 4 s
 * instead of half a second).
 */
export async function inSnapshot<T>(database: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await database.connect();
  let broken = true;
  // Said once more in the rejection of the statement that was under way.
  const ignore = () => {};
  client.on('error', ignore);
  try {
    await client.query('begin isolation level repeatable read read only; set local enable_seqscan = off');
    const result = await work(client);
    await client.query('commit');
    broken = false;
    return result;
  } finally {
    client.off('error', ignore);
    // Given back in the middle of a transaction, it would be another caller's: a broken one is closed.
    client.release(broken);
  }
}

/** Totals of an owner's postings that count, by pair of accounts: whole days and hours from their sums, the rest row by row. */
export async function pairTotals(
  client: Pool | PoolClient,
  { ownerId, fundId = null }: { readonly ownerId: string; readonly fundId?: string | null },
  cut: Cut,
): Promise<readonly PairTotal[]> {
  const [effective, recorded] = [bound(cut.effectiveBefore), bound(cut.recordedBefore)];
  const { rows } = await client.query<{ debit_account: string; credit_account: string; points: string }>(pairs, [
    ownerId,
    effective.day,
    effective.dayStart,
    effective.hour,
    effective.instant,
    recorded.day,
    recorded.dayStart,
    recorded.hour,
    recorded.instant,
    fundId,
  ]);
  return rows.map((row) => ({
    debitAccount: row.debit_account,
    creditAccount: row.credit_account,
    points: Number(row.points),
  }));
}

/** An instant, and the beginnings of the hour and of the day in Japan that it cuts. */
function bound(ms: number) {
  if (ms >= endOfTimeMs) return everywhere('infinity');
  if (ms === Number.NEGATIVE_INFINITY) return everywhere('-infinity');
  const day = japanDayOf(ms);
  const hour = isoTime(Math.floor(ms / hourMs) * hourMs);
  return { instant: isoTime(ms), hour, dayStart: isoTime(startOfDay(day)), day };
}

function everywhere(text: string) {
  return { instant: text, hour: text, dayStart: text, day: text };
}

/**
 * Five parts that do not overlap and leave nothing out: days that both bounds leave whole; of the days that one of them
 * cuts, the hours that both leave whole; of the hours that one of them cuts, the postings.
 */
const pairs = `
  select debit_account, credit_account, sum(points)::text as points
    from (
      select debit_account, credit_account, points
        from posting_days
       where owner_id = $1 and effective_on < $2::date and recorded_on < $6::date
      union all
      select debit_account, credit_account, points
        from posting_hours
       where owner_id = $1 and effective_hour >= $3::timestamptz and effective_hour < $4::timestamptz
         and recorded_hour < $8::timestamptz
      union all
      select debit_account, credit_account, points
        from posting_hours
       where owner_id = $1 and recorded_hour >= $7::timestamptz and recorded_hour < $8::timestamptz
         and effective_hour < $3::timestamptz
      union all
      select debit_account, credit_account, points
        from postings
       where owner_id = $1 and effective_at >= $4::timestamptz and effective_at < $5::timestamptz
         and recorded_at < $9::timestamptz
      union all
      select debit_account, credit_account, points
        from postings
       where owner_id = $1 and recorded_at >= $8::timestamptz and recorded_at < $9::timestamptz
         and effective_at < $4::timestamptz
    ) as part
   where $10::text is null
      or split_part(debit_account, 'fund:', 2) like $10 || ':%' or split_part(credit_account, 'fund:', 2) like $10 || ':%'
   group by debit_account, credit_account
   order by debit_account collate "C", credit_account collate "C"`;

export interface FundOfOwner {
  readonly fundId: string;
  readonly name: string;
  readonly fiscalYear: number;
  readonly budgetCode: string | null;
  readonly dryRun: boolean;
}

/** The owner's funds as their first commitments name them, by fiscal year and then in the order committed. */
export async function fundsOf(
  client: Pool | PoolClient,
  { ownerId, fundId = null }: { readonly ownerId: string; readonly fundId?: string | null },
): Promise<readonly FundOfOwner[]> {
  const { rows } = await client.query<FundOfOwner>(funds, [ownerId, fundId]);
  return rows;
}

const funds = `
  select fund_id as "fundId", name, fiscal_year as "fiscalYear", budget_code as "budgetCode", dry_run as "dryRun"
    from (select distinct on (fund_id) *
            from fund_changes
           where owner_id = $1 and kind = 'committed' and ($2::uuid is null or fund_id = $2)
           order by fund_id, log, position) as fund
   order by fiscal_year, log, position`;

export interface FundChangeTotal {
  readonly kind: 'committed' | 'lowered' | 'leased' | 'returned';
  readonly reason: string | null;
  /** Whether it is the commitment that the fund began with. */
  readonly first: boolean;
  readonly points: number;
}

/** Totals of a fund's own changes that count. */
export async function fundChangeTotals(
  client: Pool | PoolClient,
  fundId: string,
  cut: Cut,
): Promise<readonly FundChangeTotal[]> {
  const times = [bound(cut.effectiveBefore).instant, bound(cut.recordedBefore).instant];
  const { rows } = await client.query<Omit<FundChangeTotal, 'points'> & { points: string }>(changes, [
    fundId,
    ...times,
  ]);
  return rows.map((row) => ({ ...row, points: Number(row.points) }));
}

const changes = `
  select kind, reason, first, sum(points)::text as points
    from (select *, kind = 'committed' and row_number() over (partition by kind order by log, position) = 1 as first
            from fund_changes
           where fund_id = $1) as change
   where effective_at < $2::timestamptz and recorded_at < $3::timestamptz
   group by kind, reason, first
   order by kind, reason, first`;

export interface CorrectionTotal {
  readonly fundId: string;
  readonly kind: 'reversal' | 'write_off';
  readonly reasonPattern: string;
  readonly approvedBy: string | null;
  readonly count: number;
  readonly points: number;
  readonly receivablePoints: number;
}

/** Corrections of an owner's funds that count in `cut` and do not in `before`, by fund, pattern and approver. */
export async function correctionTotals(
  client: Pool | PoolClient,
  { ownerId, fundId = null }: { readonly ownerId: string; readonly fundId?: string | null },
  cut: Cut,
  before: Cut,
): Promise<readonly CorrectionTotal[]> {
  const times = [cut, before].flatMap((each) => [
    bound(each.effectiveBefore).instant,
    bound(each.recordedBefore).instant,
  ]);
  const { rows } = await client.query<
    Omit<CorrectionTotal, 'count' | 'points' | 'receivablePoints'> & Record<'count' | 'points' | 'receivable', string>
  >(corrections, [ownerId, fundId, ...times]);
  return rows.map(({ receivable, ...row }) => ({
    ...row,
    count: Number(row.count),
    points: Number(row.points),
    receivablePoints: Number(receivable),
  }));
}

const corrections = `
  select fund_id as "fundId", kind, reason_pattern as "reasonPattern", approved_by as "approvedBy", count(*)::text as count,
         sum(points)::text as points, sum(receivable_points)::text as receivable
    from corrections
   where owner_id = $1 and ($2::uuid is null or fund_id = $2)
     and effective_at < $3::timestamptz and recorded_at < $4::timestamptz
     and not (effective_at < $5::timestamptz and recorded_at < $6::timestamptz)
   group by 1, 2, 3, 4
   order by fund_id, kind, reason_pattern collate "C", approved_by collate "C" nulls first`;
