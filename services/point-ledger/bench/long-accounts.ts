import type { RecordedEvent } from '@tsunagu/event-store';
import { alternate, type BenchPlace, type BenchRow, emptied, openBenchPlace, rate } from '@tsunagu/event-store/bench';
import { newId } from '@tsunagu/kernel';
import type { ClaimToDecide } from '../src/workflows/grants.js';
import { WorkerSlot } from '../src/workflows/worker-slot.js';
import { asFeedsBring, benchGrants, commitFund, grantsAfter, insertRows, someClaim } from './grants.js';

/** So many that a worker remembers them all with what the runs add: fewer than 250,000 events. */
const PERSONS = 900;
const EVENTS_EACH = 200;
const MEASURES_A_RUN = 10;

/**
 * Grants to people whose accounts have 200 events each, remembered by the worker that wrote them, against their rows: in batches
 * of half of them, as a feed has no person in both of the batches that are under way. The
 * first round, which does not count, is the one that would read them after a restart.
 */
export async function longAccountRows(url: string): Promise<BenchRow[]> {
  const place = await openBenchPlace(url);
  const slot = new WorkerSlot(place.pool);
  await slot.number();
  try {
    await emptied(place);
    const fundId = newId(Date.now());
    await commitFund(place, fundId);
    const grants = benchGrants(place, slot);
    const persons = Array.from({ length: PERSONS }, () => newId(Date.now()));
    const oneEach = (): ClaimToDecide[][] => {
      const measureId = newId(Date.now());
      const claims = persons.map((personId) => {
        const claim = someClaim(fundId);
        return { ...claim, order: { ...claim.order, personId, measureId } };
      });
      return [claims.slice(0, PERSONS / 2), claims.slice(PERSONS / 2)];
    };
    for (let n = 0; n < EVENTS_EACH; n += 1) await asFeedsBring(grants, oneEach());
    await place.pool.query('analyze events');

    let rows: readonly RecordedEvent[] = [];
    const [measured, limit] = await alternate([
      async () => {
        const batches = Array.from({ length: MEASURES_A_RUN }, oneEach).flat();
        const before = await place.log.head();
        const granted = await rate(PERSONS * MEASURES_A_RUN, () => asFeedsBring(grants, batches));
        rows = await grantsAfter(place, before);
        return granted;
      },
      () => insertAlone(place, rows),
    ]);
    if (!measured || !limit) throw new Error('grants to long accounts were not measured');
    const name = `grants from claim batches, accounts with ${EVENTS_EACH} events each`;
    const against = 'the same rows as joined texts, two connections';
    const ratio = measured.median / limit.median;
    return [{ name, unit: 'grants/s', measured, against, limit, ratio, bar: 0.4, aim: 0.4 }];
  } finally {
    slot.onModuleDestroy();
    await place.close();
  }
}

/** The raw table is emptied each time; the log stays. */
async function insertAlone(place: BenchPlace, rows: readonly RecordedEvent[]): Promise<number> {
  await place.pool.query('truncate bench_raw.events');
  const grants = rows.filter(({ type }) => type === 'PointsGranted').length;
  return insertRows(place, rows, grants);
}
