import { type AppendRequest, PostgresEventLog } from '@tsunagu/event-store';
import {
  alternate,
  appendBatches,
  type BenchPlace,
  type BenchRow,
  emptied,
  openBenchPlace,
  rate,
  type Spread,
} from '@tsunagu/event-store/bench';
import { newId, realClock } from '@tsunagu/kernel';
import { Pool } from 'pg';
import { definition } from '../src/definition.js';
import type { ClaimToDecide, Grants } from '../src/workflows/grants.js';
import { WorkerSlot } from '../src/workflows/worker-slot.js';
import { benchGrants, commitFund, commitment, someClaim } from './grants.js';

const GRANTS_EACH = 2;
const BATCH = 1_000;
const BATCHES = 30;
const SAID_EVERY = 1_000_000;

/** A log that is there already, over the schema of the point ledger that a superuser's connection string leads to. */
export interface FilledLog {
  readonly pool: Pool;
  readonly log: PostgresEventLog;
  close(): Promise<void>;
}

export async function openFilledLog(superuserUrl: string): Promise<FilledLog> {
  const pool = new Pool({ connectionString: superuserUrl, max: 8, options: `-c search_path=${definition.schema}` });
  pool.on('error', () => undefined);
  const log = await PostgresEventLog.open({ pool, clock: realClock });
  const close = async () => {
    await log.close();
    await pool.end();
  };
  return { pool, log, close };
}

/** Grants as claims would bring them, two to a person, until the log holds so many events. Goes on where an earlier call was cut off. */
export async function fill({ pool, log }: FilledLog, events: number, say: (done: number) => void): Promise<void> {
  const slot = new WorkerSlot(pool);
  try {
    const grants = benchGrants({ log }, slot);
    const fundId = newId(Date.now());
    await commitFund({ log }, fundId);
    const measures = Array.from({ length: GRANTS_EACH }, () => newId(Date.now()));
    let said = 0;
    for (let head = await log.head(); head < events; head = await log.head()) {
      await grants.decide(batchOf(fundId, measures));
      if (head >= said + SAID_EVERY) {
        said = head;
        say(head);
      }
    }
  } finally {
    slot.onModuleDestroy();
  }
}

function batchOf(fundId: string, measures: readonly string[]): ClaimToDecide[] {
  return Array.from({ length: BATCH / measures.length }, () => newId(Date.now())).flatMap((personId) =>
    measures.map((measureId) => {
      const claim = someClaim(fundId);
      return { ...claim, order: { ...claim.order, personId, measureId } };
    }),
  );
}

/** Grants and appends to the filled log beside the same to an empty one on the same server; what they add stays. */
export async function millionRows(filled: FilledLog, url: string): Promise<BenchRow[]> {
  const empty = await openBenchPlace(url);
  const slots = [new WorkerSlot(filled.pool), new WorkerSlot(empty.pool)] as const;
  const head = await filled.log.head();
  const present = `${millions(head / GRANTS_EACH)} accounts and ${millions(head)} events present`;
  try {
    const [grantsThere, grantsNone, appendsThere, appendsNone] = await alternate([
      () => checkpointed(filled).then(() => grantsTo(filled, benchGrants(filled, slots[0]))),
      () => emptied(empty).then(() => grantsTo(empty, benchGrants(empty, slots[1]))),
      () => checkpointed(filled).then(() => appendBatches(filled, commitments)),
      () => emptied(empty).then(() => appendBatches(empty, commitments)),
    ]);
    return [
      row(`grants from claim batches, ${present}`, 'grants/s', grantsThere, grantsNone),
      row(`append, batches of 1,000, ${present}`, 'events/s', appendsThere, appendsNone),
    ];
  } finally {
    for (const slot of slots) slot.onModuleDestroy();
    await empty.close();
  }
}

/** No checkpoint is due in the middle of a run. */
async function checkpointed({ pool }: FilledLog): Promise<void> {
  await pool.query('checkpoint');
}

async function grantsTo(place: Pick<BenchPlace, 'log'>, grants: Grants): Promise<number> {
  const fundId = newId(Date.now());
  await commitFund(place, fundId);
  const batches = Array.from({ length: BATCHES }, () => Array.from({ length: BATCH }, () => someClaim(fundId)));
  return rate(BATCHES * BATCH, async () => {
    for (const batch of batches) await grants.decide(batch);
  });
}

/** Commitments of funds: small events, each on a stream of its own, which the ledger holds to be true. */
function commitments(count: number): AppendRequest[] {
  return Array.from({ length: count }, () => commitment(newId(Date.now())));
}

function millions(count: number): string {
  return `${Math.round(count / 100_000) / 10} M`;
}

function row(name: string, unit: string, measured: Spread | undefined, limit: Spread | undefined): BenchRow {
  if (!measured || !limit) throw new Error(`${name} was not measured`);
  const ratio = measured.median / limit.median;
  return { name, unit, measured, against: 'the same with none', limit, ratio, bar: 0.9, aim: 0.95 };
}
