import { alternate, type BenchPlace, type BenchRow, emptied, openBenchPlace, rate } from '@tsunagu/event-store/bench';
import { newId } from '@tsunagu/kernel';
import { WorkerSlot } from '../src/workflows/worker-slot.js';
import { benchGrants, commitFund, someClaim } from './grants.js';
import { MapLedger } from './map-ledger.js';

const GRANTS = 20_000;

/** Single grants, so many in flight, all from one fund, through the ledger's own call and through a ledger of plain Maps. */
export async function singleGrantRows(url: string): Promise<BenchRow[]> {
  const place = await openBenchPlace(url);
  const slot = new WorkerSlot(place.pool);
  await slot.number();
  try {
    const rows: BenchRow[] = [];
    for (const [inFlight, bar, aim] of [
      [64, 0, 0],
      [512, 0.25, 0.35],
    ] as const) {
      const [measured, limit] = await alternate([
        () => throughTheLedger(place, slot, inFlight),
        () => throughMaps(inFlight),
      ]);
      if (!measured || !limit) throw new Error('single grants were not measured');
      const name = `single grants, ${inFlight} in flight, one fund`;
      const against = `plain Maps with the same checks and one fsync a batch, ${inFlight} in flight`;
      rows.push({ name, unit: 'grants/s', measured, against, limit, ratio: measured.median / limit.median, bar, aim });
    }
    return rows;
  } finally {
    slot.onModuleDestroy();
    await place.close();
  }
}

async function throughTheLedger(place: BenchPlace, slot: WorkerSlot, inFlight: number): Promise<number> {
  await emptied(place);
  const fundId = newId(Date.now());
  await commitFund(place, fundId);
  const grants = benchGrants(place, slot);
  return inFlightAtATime(inFlight, fundId, (claim) => grants.decide([claim]));
}

async function throughMaps(inFlight: number): Promise<number> {
  const ledger = await MapLedger.open(1_000_000_000_000);
  try {
    return await inFlightAtATime(inFlight, newId(Date.now()), (claim) => ledger.grant(claim));
  } finally {
    await ledger.close();
  }
}

function inFlightAtATime(
  inFlight: number,
  fundId: string,
  grant: (claim: ReturnType<typeof someClaim>) => Promise<void>,
): Promise<number> {
  const claims = Array.from({ length: GRANTS }, () => someClaim(fundId));
  let next = 0;
  const caller = async () => {
    for (let claim = claims[next++]; claim; claim = claims[next++]) await grant(claim);
  };
  return rate(GRANTS, () => Promise.all(Array.from({ length: inFlight }, caller)));
}
