import type { RecordedEvent } from '@tsunagu/event-store';
import type { PoolClient } from 'pg';
import { postingsOf } from '../domain/postings.js';

/** Every movement of points between the accounts of double entry, and its sums by day and by hour. */
export async function recordPostings(client: PoolClient, events: readonly RecordedEvent[]): Promise<void> {
  const rows = events.flatMap((event) =>
    postingsOf(event).map((posting, ordinal) => ({
      log: event.log,
      position: event.position,
      ordinal,
      ...posting,
      effectiveAt: event.effectiveAt,
      recordedAt: event.recordedAt,
    })),
  );
  if (rows.length > 0) await client.query(insert, [JSON.stringify(rows)]);
}

// Sorted sums: two logs that are folded at once write rows of their own, and would lock in the same order all the same.
const insert = `
  with posting as materialized (
    select log, position, ordinal, "debitAccount" as debit_account, "creditAccount" as credit_account, points,
           "ownerId" as owner_id, "fundId" as fund_id, "dryRun" as dry_run, "effectiveAt" as effective_at,
           "recordedAt" as recorded_at
      from json_to_recordset($1::json) as posting (
        log smallint, position bigint, ordinal smallint, "debitAccount" text, "creditAccount" text, points bigint,
        "ownerId" text, "fundId" uuid, "dryRun" boolean, "effectiveAt" timestamptz, "recordedAt" timestamptz)
  ), line as (
    insert into postings (
      position, ordinal, debit_account, credit_account, points, owner_id, fund_id, dry_run, effective_at, recorded_at)
    select position, ordinal, debit_account, credit_account, points, owner_id, fund_id, dry_run, effective_at, recorded_at
      from posting
    on conflict do nothing
  ), days as (
    insert into posting_days (log, owner_id, effective_on, recorded_on, debit_account, credit_account, points)
    select log, owner_id, (effective_at at time zone 'Asia/Tokyo')::date, (recorded_at at time zone 'Asia/Tokyo')::date,
           debit_account, credit_account, sum(points)
      from posting
     group by 1, 2, 3, 4, 5, 6
     order by 1, 2, 3, 4, 5, 6
    on conflict (owner_id, effective_on, recorded_on, debit_account, credit_account, log) do update
       set points = posting_days.points + excluded.points
  )
  insert into posting_hours (log, owner_id, effective_hour, recorded_hour, debit_account, credit_account, points)
  select log, owner_id, date_trunc('hour', effective_at, 'UTC'), date_trunc('hour', recorded_at, 'UTC'),
         debit_account, credit_account, sum(points)
    from posting
   group by 1, 2, 3, 4, 5, 6
   order by 1, 2, 3, 4, 5, 6
  on conflict (owner_id, effective_hour, recorded_hour, debit_account, credit_account, log) do update
     set points = posting_hours.points + excluded.points`;
