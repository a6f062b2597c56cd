import type { RecordedEvent } from '@tsunagu/event-store';
import { japanDayOf } from '@tsunagu/kernel';
import type { PoolClient } from 'pg';
import { type Posting, postingsOf } from '../domain/postings.js';

/** Every movement of points between the accounts of double entry, and its sums by day and by hour. */
export async function recordPostings(client: PoolClient, events: readonly RecordedEvent[]): Promise<void> {
  const rows: object[] = [];
  const hours = new Map<string, Sum>();
  for (const event of events) {
    const { log, position, effectiveAt, recordedAt } = event;
    const [effective, recorded] = [hourOf(effectiveAt), hourOf(recordedAt)];
    for (const [ordinal, posting] of postingsOf(event).entries()) {
      rows.push({ log, position, ordinal, ...posting, effectiveAt, recordedAt });
      add(hours, { ...posting, log, effective, recorded });
    }
  }
  if (rows.length === 0) return;
  await client.query(insert, [JSON.stringify(rows)]);
  await client.query(addHours, [JSON.stringify([...hours.values()])]);
  await client.query(addDays, [JSON.stringify(daysOf(hours.values()))]);
}

/** Points of one pair of accounts: a few of these stand for a batch of a thousand postings. */
interface Sum extends Pick<Posting, 'ownerId' | 'debitAccount' | 'creditAccount'> {
  readonly log: number;
  /** An hour in UTC, or a day in Japan. */
  readonly effective: string;
  readonly recorded: string;
  points: number;
}

/** The hour that a time lies in, from its text `2026-11-20T01:02:03.004Z`: read for every posting, so no date is made of it. */
function hourOf(time: string): string {
  return `${time.slice(0, 13)}:00:00.000Z`;
}

function add(sums: Map<string, Sum>, { log, ownerId, effective, recorded, debitAccount, creditAccount, points }: Sum) {
  const key = `${log} ${effective} ${recorded} ${debitAccount} ${creditAccount} ${ownerId}`;
  const sum = sums.get(key);
  if (sum) sum.points += points;
  else sums.set(key, { log, ownerId, effective, recorded, debitAccount, creditAccount, points });
}

/** Every day in Japan begins with an hour of UTC, so the sums of its hours are its sum. */
function daysOf(hours: Iterable<Sum>): readonly Sum[] {
  const days = new Map<string, Sum>();
  for (const sum of hours) {
    const [effective, recorded] = [dayOf(sum.effective), dayOf(sum.recorded)];
    add(days, { ...sum, effective, recorded });
  }
  return [...days.values()];
}

function dayOf(time: string): string {
  return japanDayOf(Date.parse(time));
}

// Nothing where the row is there: a process of an older release may have written it, from a checkpoint of its own.
const insert = `
  insert into postings (
    log, position, ordinal, debit_account, credit_account, points, owner_id, fund_id, dry_run, effective_at, recorded_at)
  select log, position, ordinal, "debitAccount", "creditAccount", points, "ownerId", "fundId", "dryRun", "effectiveAt",
         "recordedAt"
    from json_to_recordset($1::json) as posting (
      log integer, position bigint, ordinal smallint, "debitAccount" text, "creditAccount" text, points bigint, "ownerId" text,
      "fundId" uuid, "dryRun" boolean, "effectiveAt" timestamptz, "recordedAt" timestamptz)
  on conflict do nothing`;

const addDays = `
  insert into posting_days (log, owner_id, effective_on, recorded_on, debit_account, credit_account, points)
  select log, "ownerId", effective, recorded, "debitAccount", "creditAccount", points
    from json_to_recordset($1::json) as sum (
      log smallint, "ownerId" text, effective date, recorded date, "debitAccount" text, "creditAccount" text,
      points bigint)
  on conflict (owner_id, effective_on, recorded_on, debit_account, credit_account, log) do update
     set points = posting_days.points + excluded.points`;

const addHours = `
  insert into posting_hours (log, owner_id, effective_hour, recorded_hour, debit_account, credit_account, points)
  select log, "ownerId", effective, recorded, "debitAccount", "creditAccount", points
    from json_to_recordset($1::json) as sum (
      log smallint, "ownerId" text, effective timestamptz, recorded timestamptz, "debitAccount" text,
      "creditAccount" text, points bigint)
  on conflict (owner_id, effective_hour, recorded_hour, debit_account, credit_account, log) do update
     set points = posting_hours.points + excluded.points`;
