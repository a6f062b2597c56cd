import type { RecordedEvent } from '@tsunagu/event-store';
import { japanDayOf } from '@tsunagu/kernel';
import type { PoolClient } from 'pg';
import { type Posting, postingsOf } from '../domain/postings.js';

/** Every movement of points between the accounts of double entry, and its sums by day and by hour. */
export async function recordPostings(client: PoolClient, events: readonly RecordedEvent[]): Promise<void> {
  const lists: unknown[][] = columns.map(() => []);
  const hours = new Map<string, Sum>();
  for (const event of events) {
    const { log, position, effectiveAt, recordedAt } = event;
    const [effective, recorded] = [hourOf(effectiveAt), hourOf(recordedAt)];
    for (const [ordinal, posting] of postingsOf(event).entries()) {
      const row = { log, position, ordinal, ...posting, effectiveAt, recordedAt };
      for (const [index, { of }] of columns.entries()) lists[index]?.push(row[of]);
      add(hours, { ...posting, log, effective, recorded });
    }
  }
  if (hours.size === 0) return;
  await client.query({ name: 'insert_postings', text: insert, values: lists });
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

const columns = [
  { name: 'log', type: 'integer', of: 'log' },
  { name: 'position', type: 'bigint', of: 'position' },
  { name: 'ordinal', type: 'smallint', of: 'ordinal' },
  { name: 'debit_account', type: 'text', of: 'debitAccount' },
  { name: 'credit_account', type: 'text', of: 'creditAccount' },
  { name: 'points', type: 'bigint', of: 'points' },
  { name: 'owner_id', type: 'text', of: 'ownerId' },
  { name: 'fund_id', type: 'uuid', of: 'fundId' },
  { name: 'dry_run', type: 'boolean', of: 'dryRun' },
  { name: 'effective_at', type: 'timestamptz', of: 'effectiveAt' },
  { name: 'recorded_at', type: 'timestamptz', of: 'recordedAt' },
] as const;

// An array a column: a third quicker than a JSON object a row. Nothing where the row is there: a process of an older release
// may have written it, from a checkpoint of its own.
const insert = `
  insert into postings (${columns.map(({ name }) => name).join(', ')})
  select * from unnest(${columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')})
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
