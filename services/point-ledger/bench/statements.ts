/**
 * How long finance waits: `node --import ./tools/hook.mjs services/point-ledger/bench/statements.ts postgres://… [postings]`,
 * an empty database of a superuser. Fills the read model with postings of a year, most of them of one launch day, and asks
 * for trial balances beside the plain sum of all postings, which is what they must equal.
 */
import { migrate, servicePool } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import { definition } from '../src/definition.js';
import type { Cut } from '../src/domain/account-history.js';
import { inSnapshot, pairTotals } from '../src/projections/statement-queries.js';

const [url, count = '20000000'] = process.argv.slice(2);
if (!url) throw new Error('say which database: postgres://…');
const ownerId = 'city';
const always = Number.POSITIVE_INFINITY;
const user = new URL(url).username;
/** The middle of so many runs, an odd number. */
async function median<T>(runs: number, work: () => Promise<T>): Promise<readonly [ms: number, result: T]> {
  const took: number[] = [];
  let begunAt = performance.now();
  let result = await work();
  took.push(performance.now() - begunAt);
  for (let run = 1; run < runs; run += 1) {
    begunAt = performance.now();
    result = await work();
    took.push(performance.now() - begunAt);
  }
  return [Math.round(took.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0), result];
}

async function plainSum(database: Pool, { effectiveBefore, recordedBefore }: Cut): Promise<readonly number[]> {
  const text = (ms: number) => (ms === always ? 'infinity' : new Date(ms).toISOString());
  const { rows } = await database.query<{ points: string }>(
    `select sum(points)::text as points from postings where owner_id = $1 and effective_at < $2 and recorded_at < $3
      group by debit_account, credit_account order by debit_account collate "C", credit_account collate "C"`,
    [ownerId, text(effectiveBefore), text(recordedBefore)],
  );
  return rows.map(({ points }) => Number(points));
}

/** Six in ten postings on 1 April 2027 (half of those within three hours), the rest over the year before; some are late. */
async function fill(database: Pool, ownerUrl: string, postings: number): Promise<void> {
  await migrate({ ownerUrl, definition, serviceRole: decodeURIComponent(user) });
  const { rows } = await database.query('select 1 from postings limit 1');
  if (rows.length > 0) return;
  const client = await database.connect();
  try {
    await client.query('set statement_timeout = 0; set synchronous_commit = off');
    await client.query('drop index postings_by_effective_time; drop index postings_by_recorded_time');
    await client.query(insert, [postings]);
    await client.query('create index postings_by_effective_time on postings (owner_id, effective_at)');
    await client.query('create index postings_by_recorded_time on postings (owner_id, recorded_at)');
    await client.query(days);
    await client.query(hours);
    await client.query('analyze postings; analyze posting_days; analyze posting_hours');
  } finally {
    client.release();
  }
}

const insert = `
  insert into postings (
    position, ordinal, debit_account, credit_account, points, owner_id, fund_id, dry_run, effective_at, recorded_at)
  select n, 0, 'fund:' || fund || ':' || (array['undrawn', 'available', 'held', 'held'])[1 + n % 4],
         case n % 4 when 2 then 'provider:sim-pay:fund:' || fund || ':exchanged'
                    else 'fund:' || fund || ':' || (array['available', 'held', '', 'available'])[1 + n % 4] end,
         1 + n % 1000, 'city', fund, false,
         recorded - case when n % 50 = 0 then interval '1 hour' * (n % 400) else interval '0' end, recorded
    from generate_series(1, $1::bigint) as n,
         lateral (select ('019ab3f0-6c00-7000-8000-00000000000' || n % 5)::uuid as fund,
                         case when n <= $1 * 0.4
                              then timestamptz '2026-04-01 00:00+09' + interval '365 days' * (n / ($1 * 0.4))
                              when n <= $1 * 0.7
                              then timestamptz '2027-04-01 11:00+09' + interval '3 hours' * ((n - $1 * 0.4) / ($1 * 0.3))
                              else timestamptz '2027-04-01 14:00+09' + interval '10 hours' * ((n - $1 * 0.7) / ($1 * 0.3))
                         end as recorded) as posting`;

const days = `
  insert into posting_days (owner_id, effective_on, recorded_on, debit_account, credit_account, points)
  select owner_id, (effective_at at time zone 'Asia/Tokyo')::date, (recorded_at at time zone 'Asia/Tokyo')::date,
         debit_account, credit_account, sum(points)
    from postings group by 1, 2, 3, 4, 5`;

const hours = `
  insert into posting_hours (owner_id, effective_hour, recorded_hour, debit_account, credit_account, points)
  select owner_id, date_trunc('hour', effective_at, 'UTC'), date_trunc('hour', recorded_at, 'UTC'),
         debit_account, credit_account, sum(points)
    from postings group by 1, 2, 3, 4, 5`;

const pool = servicePool({ url, schema: definition.schema, connectionsMax: 2 });
try {
  await fill(pool, url, Number(count));
  const launch = Date.parse('2027-04-01T03:17:42.000Z');
  const times: readonly (readonly [string, Cut])[] = [
    ['as of now', { effectiveBefore: Date.parse('2027-06-01T00:00:00Z'), recordedBefore: always }],
    ['as of a moment of the launch hour', { effectiveBefore: launch, recordedBefore: always }],
    ['the same, as known then', { effectiveBefore: launch, recordedBefore: launch }],
    ['as known at that moment, all effective times', { effectiveBefore: always, recordedBefore: launch }],
    [
      'as of the end of the fiscal year',
      { effectiveBefore: Date.parse('2027-03-31T15:00:00Z'), recordedBefore: always },
    ],
  ];
  for (const [name, cut] of times) {
    const [fast, sums] = await median(5, () => inSnapshot(pool, (client) => pairTotals(client, { ownerId }, cut)));
    const [plain, all] = await median(1, () => plainSum(pool, cut));
    const same = JSON.stringify(sums.map(({ points }) => points)) === JSON.stringify(all);
    console.log(`${name}: ${fast} ms, the plain sum ${plain} ms, ${same ? 'equal' : 'NOT EQUAL'}`);
    if (!same) process.exitCode = 1;
  }
} finally {
  await pool.end();
}
