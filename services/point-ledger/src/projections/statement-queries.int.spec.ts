import type { RecordedEvent } from '@tsunagu/event-store';
import fc from 'fast-check';
import type { Cut } from '../domain/account-history.js';
import { trialBalanceOf } from '../domain/fund-figures.js';
import { postingsOf } from '../domain/postings.js';
import { startTestLedger, type TestLedger } from '../test-ledger.js';
import { instants, owners, programmes } from '../test-programme.js';
import { doubleEntryProjection } from './double-entry.js';
import { expiringDays, lotsProjection } from './lots.js';
import { correctionTotals, fundChangeTotals, fundsOf, inSnapshot, pairTotals } from './statement-queries.js';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger.close());

/** Folds a programme in batches of so many events into empty tables: the running projections have nothing to do here. */
async function fold(events: readonly RecordedEvent[], batch: number): Promise<void> {
  const client = await ledger.pool.connect();
  try {
    for (const projection of [doubleEntryProjection, lotsProjection]) {
      await client.query(`truncate ${projection.tables.join(', ')}`);
      const known = events.filter(({ type }) => projection.types?.includes(type));
      for (let at = 0; at < known.length; at += batch) await projection.apply(client, known.slice(at, at + batch));
    }
  } finally {
    client.release();
  }
}

const counts = ({ effectiveAt, recordedAt }: RecordedEvent, cut: Cut) =>
  Date.parse(effectiveAt) < cut.effectiveBefore && Date.parse(recordedAt) < cut.recordedBefore;

/** The plain sum over the postings table, and over the events themselves. */
async function plainSums(events: readonly RecordedEvent[], ownerId: string, cut: Cut) {
  const text = (ms: number) => (ms === Number.POSITIVE_INFINITY ? 'infinity' : new Date(ms).toISOString());
  const { rows } = await ledger.pool.query<{ debit: string; credit: string; points: string }>(
    `select debit_account as debit, credit_account as credit, sum(points)::text as points
       from postings where owner_id = $1 and effective_at < $2 and recorded_at < $3
      group by 1, 2 order by debit_account collate "C", credit_account collate "C"`,
    [ownerId, text(cut.effectiveBefore), text(cut.recordedBefore)],
  );
  const sums = new Map<string, number>();
  for (const posting of events.filter((event) => counts(event, cut)).flatMap(postingsOf)) {
    if (posting.ownerId !== ownerId) continue;
    const key = `${posting.debitAccount} ${posting.creditAccount}`;
    sums.set(key, (sums.get(key) ?? 0) + posting.points);
  }
  return {
    rows: rows.map((row) => ({ debitAccount: row.debit, creditAccount: row.credit, points: Number(row.points) })),
    events: sums,
  };
}

const cuts = fc.record({ effectiveBefore: instants, recordedBefore: instants });

it('sums by day and hour with the rest of the postings equal the plain sum, as of any two times', async () => {
  await fc.assert(
    fc.asyncProperty(
      programmes(80),
      fc.integer({ min: 1, max: 40 }),
      fc.array(cuts, { minLength: 5 }),
      async (...given) => {
        const [events, batch, times] = given;
        await fold(events, batch);
        for (const cut of times) {
          for (const ownerId of owners) {
            const pairs = await pairTotals(ledger.pool, { ownerId }, cut);
            const plain = await plainSums(events, ownerId, cut);
            expect(pairs).toEqual(plain.rows);
            expect(new Map(pairs.map((pair) => [`${pair.debitAccount} ${pair.creditAccount}`, pair.points]))).toEqual(
              plain.events,
            );
            const { totals } = trialBalanceOf(pairs);
            expect(totals.debitPoints).toBe(totals.creditPoints);
          }
        }
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);

it('the pairs of one fund are those of the owner that name it; funds, changes and corrections are those of the events', async () => {
  await fc.assert(
    fc.asyncProperty(programmes(80), cuts, async (events, cut) => {
      await fold(events, 20);
      const known = events.filter((event) => counts(event, cut));
      for (const ownerId of owners) {
        const all = await pairTotals(ledger.pool, { ownerId }, cut);
        const funds = await fundsOf(ledger.pool, { ownerId });
        const committed = events.filter(({ type, ownerId: of }) => type === 'FundCommitted' && of === ownerId);
        expect(new Set(funds.map(({ fundId }) => fundId))).toEqual(
          new Set(committed.map(({ data }) => (data as { fundId: string }).fundId)),
        );
        for (const { fundId } of funds) {
          const names = ({ debitAccount, creditAccount }: (typeof all)[number]) =>
            debitAccount.includes(fundId) || creditAccount.includes(fundId);
          expect(await pairTotals(ledger.pool, { ownerId, fundId }, cut)).toEqual(all.filter(names));
          const changes = await fundChangeTotals(ledger.pool, fundId, cut);
          const lowered = changes.filter(({ kind }) => kind === 'lowered');
          expect(sumOf(lowered)).toBe(sumOf(known.flatMap(dataOf('FundLowered', fundId))));
          const committedPoints = sumOf(changes.filter(({ kind }) => kind === 'committed'));
          const commitments = known.flatMap(dataOf('FundCommitted', fundId)) as unknown as { amountPoints: number }[];
          expect(committedPoints).toBe(commitments.reduce((sum, { amountPoints }) => sum + amountPoints, 0));
        }
        const none = { effectiveBefore: Number.NEGATIVE_INFINITY, recordedBefore: Number.NEGATIVE_INFINITY };
        const corrections = await correctionTotals(ledger.pool, { ownerId }, cut, none);
        const reversed = known.filter(({ type, ownerId: of }) => type === 'GrantReversed' && of === ownerId);
        expect(corrections.filter(({ kind }) => kind === 'reversal').reduce((sum, { count }) => sum + count, 0)).toBe(
          reversed.length,
        );
        const [first] = corrections;
        if (first) expect(first.approvedBy).toMatch(/^staff:/);
      }
    }),
    { numRuns: 25 },
  );
}, 120_000);

it('what will expire is what is left of the lots, day by day', async () => {
  await fc.assert(
    fc.asyncProperty(programmes(80), fc.integer({ min: 1, max: 40 }), async (events, batch) => {
      await fold(events, batch);
      for (const ownerId of owners) {
        const days = await expiringDays(ledger.pool, ownerId);
        const { rows } = await ledger.pool.query<{ available: number; held: number }>(
          `select coalesce(sum(available_points), 0)::int as available, coalesce(sum(held_points), 0)::int as held
             from lots where owner_id = $1`,
          [ownerId],
        );
        expect({
          available: days.reduce((sum, { availablePoints }) => sum + availablePoints, 0),
          held: days.reduce((sum, { heldPoints }) => sum + heldPoints, 0),
        }).toEqual(rows[0]);
        const always = { effectiveBefore: Number.POSITIVE_INFINITY, recordedBefore: Number.POSITIVE_INFINITY };
        const { rows: accounts } = trialBalanceOf(await pairTotals(ledger.pool, { ownerId }, always));
        const left = accounts.filter(({ account }) => /:(available|held)$/.test(account));
        expect(days.reduce((sum, day) => sum + day.availablePoints + day.heldPoints, 0)).toBe(
          left.reduce((sum, { debitPoints, creditPoints }) => sum + creditPoints - debitPoints, 0),
        );
      }
    }),
    { numRuns: 25 },
  );
}, 120_000);

it('a failing work leaves no transaction behind', async () => {
  await expect(
    inSnapshot(ledger.pool, async (client) => {
      await client.query('select 1 / 0');
    }),
  ).rejects.toThrow('division by zero');
  const { rows } = await ledger.pool.query(
    `select count(*)::int as open from pg_stat_activity where state like 'idle in transaction%' and usename = current_user
        and datname = current_database()`,
  );
  expect(rows).toEqual([{ open: 0 }]);
});

function dataOf(type: string, fundId: string) {
  return (event: RecordedEvent) => {
    const data = event.data as { fundId: string; points: number };
    return event.type === type && data.fundId === fundId ? [data] : [];
  };
}

function sumOf(items: readonly { readonly points: number }[]): number {
  return items.reduce((sum, { points }) => sum + points, 0);
}
