import { readdirSync, readFileSync } from 'node:fs';
import { ProjectionRunner } from '@tsunagu/event-store';
import { alternate, type BenchPlace, type BenchRow, emptied, openBenchPlace, rate } from '@tsunagu/event-store/bench';
import { newId } from '@tsunagu/kernel';
import { definition } from '../src/definition.js';
import { doubleEntryProjection } from '../src/projections/double-entry.js';
import { WorkerSlot } from '../src/workflows/worker-slot.js';
import { benchGrants, commitFund, someClaim } from './grants.js';

const GRANTS = 100_000;
const BATCH = 1_000;
const READY_WITHIN_MS = 120_000;

/** A read model folded again from position 0, its sums by day and hour included, beside its very rows loaded by COPY into the same table with the same indexes. */
export async function rebuildRows(url: string): Promise<BenchRow[]> {
  const place = await openBenchPlace(url);
  const slot = new WorkerSlot(place.pool);
  await slot.number();
  const runner = new ProjectionRunner({ pool: place.pool, log: place.log, projection: doubleEntryProjection });
  try {
    await prepare(place, slot);
    runner.start();
    const [measured, limit] = await alternate([
      () => rate(GRANTS, () => rebuild(place, runner)),
      async () => {
        await runner.stop();
        const copied = await copyRows(place);
        runner.start();
        return copied;
      },
    ]);
    if (!measured || !limit) throw new Error('the rebuild was not measured');
    const name = 'projection rebuild (postings and their sums)';
    const against = 'the same rows loaded by COPY';
    const ratio = measured.median / limit.median;
    return [{ name, unit: 'events/s', measured, against, limit, ratio, bar: 0.3, aim: 0.3 }];
  } finally {
    await runner.stop();
    slot.onModuleDestroy();
    await place.close();
  }
}

async function prepare(place: BenchPlace, slot: WorkerSlot): Promise<void> {
  for (const file of readdirSync(definition.migrations).sort()) {
    await place.pool.query(readFileSync(new URL(file, definition.migrations), 'utf8'));
  }
  await emptied(place);
  const fundId = newId(Date.now());
  await commitFund(place, fundId);
  const grants = benchGrants(place, slot);
  for (let done = 0; done < GRANTS; done += BATCH) {
    await grants.decide(Array.from({ length: BATCH }, () => someClaim(fundId)));
  }
  await place.pool.query('analyze events');
}

async function rebuild({ pool, log }: BenchPlace, runner: ProjectionRunner): Promise<void> {
  await runner.rebuild();
  if (!(await runner.waitFor(await log.head(), READY_WITHIN_MS))) throw new Error('the rebuild did not end');
  const { rows } = await pool.query<{ count: string }>('select count(*) from postings');
  if (Number(rows[0]?.count) !== GRANTS + 1) throw new Error(`${rows[0]?.count} postings after the rebuild`);
}

async function copyRows({ pool }: BenchPlace): Promise<number> {
  // Through a file of the server's, in its data directory, where it may write.
  await pool.query(`copy postings to program 'cat > bench-postings'`);
  await pool.query('truncate postings');
  return rate(GRANTS, () => pool.query(`copy postings from 'bench-postings'`));
}
