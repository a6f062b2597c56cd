import { randomUUID } from 'node:crypto';
import type { AppendRequest, RecordedEvent } from '@tsunagu/event-store';
import {
  alternate,
  type BenchPlace,
  type BenchRow,
  emptied,
  insertRaw,
  openBenchPlace,
  rate,
} from '@tsunagu/event-store/bench';
import { derivedId, isoTime, newId, realClock } from '@tsunagu/kernel';
import { readConfig } from '../src/config.js';
import { fundStream } from '../src/domain/fund.js';
import { Accounts } from '../src/workflows/accounts.js';
import { type ClaimToDecide, Grants } from '../src/workflows/grants.js';
import { Leases } from '../src/workflows/leases.js';
import { ledgerEvent } from '../src/workflows/recording.js';
import { WorkerSlot } from '../src/workflows/worker-slot.js';

/** The most that a feed brings at once. */
const BATCH = 1_000;
const BATCHES = 30;
const RAW_CONNECTIONS = 2;
const AMOUNT_POINTS = 11_000;

/**
 * Grants decided and committed from claim batches, two under way as a feed brings them under load, with every check on, against
 * the very rows that they wrote, inserted without a store. In grants a second: the draws come on top.
 */
export async function grantRows(url: string): Promise<BenchRow[]> {
  const place = await openBenchPlace(url);
  const slot = new WorkerSlot(place.pool);
  await slot.number();
  try {
    let rows: readonly RecordedEvent[] = [];
    const [measured, limit] = await alternate([
      async () => {
        const granted = await decideBatches(place, slot);
        rows = granted.rows;
        return granted.rate;
      },
      async () => {
        await emptied(place);
        return insertRows(place, rows, BATCHES * BATCH);
      },
    ]);
    if (!measured || !limit) throw new Error('grants were not measured');
    const name = 'grants decided and committed, claim batches of 1,000';
    const against = 'the same rows as joined texts, two connections';
    const ratio = measured.median / limit.median;
    return [{ name, unit: 'grants/s', measured, against, limit, ratio, bar: 0.5, aim: 0.5 }];
  } finally {
    slot.onModuleDestroy();
    await place.close();
  }
}

async function decideBatches(place: BenchPlace, slot: WorkerSlot) {
  await emptied(place);
  const fundId = newId(Date.now());
  await commitFund(place, fundId);
  const grants = benchGrants(place, slot);
  const batches = Array.from({ length: BATCHES }, () => Array.from({ length: BATCH }, () => someClaim(fundId)));
  const measured = await rate(BATCHES * BATCH, () => asFeedsBring(grants, batches));
  const events = await grantsAfter(place, 0);
  const granted = events.filter((event) => event.type === 'PointsGranted').length;
  if (granted !== BATCHES * BATCH) throw new Error(`${granted} of ${BATCHES * BATCH} claims were granted`);
  return { rate: measured, rows: events };
}

/** A feed begins the next batch while one is under way, where no person is in both. */
export async function asFeedsBring(grants: Grants, batches: readonly (readonly ClaimToDecide[])[]): Promise<void> {
  let before = Promise.resolve();
  for (const batch of batches) {
    const begun = grants.decide(batch);
    await before;
    before = begun;
  }
  await before;
}

export function benchGrants({ log }: Pick<BenchPlace, 'log'>, slot: WorkerSlot): Grants {
  return new Grants(log, realClock, new Leases(log, realClock, slot), new Accounts(log), readConfig({}));
}

export async function grantsAfter({ log }: BenchPlace, position: number): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  const head = await log.head();
  for (let after = position; after < head; ) {
    const slice = await log.readLog({ after, limit: 5_000, types: ['PointsGranted', 'FundDrawn'] });
    events.push(...slice.events);
    after = slice.through;
  }
  return events;
}

/** A rate in grants: the draws come on top. */
export async function insertRows(place: BenchPlace, rows: readonly RecordedEvent[], grants: number): Promise<number> {
  const share = Math.ceil(rows.length / RAW_CONNECTIONS);
  const loops = Array.from({ length: RAW_CONNECTIONS }, (_, loop) => {
    const own = rows.slice(loop * share, (loop + 1) * share).map(oneRow);
    return Array.from({ length: Math.ceil(own.length / BATCH) }, (_, n) => own.slice(n * BATCH, (n + 1) * BATCH));
  });
  return rate(grants, () =>
    Promise.all(loops.map((batches, loop) => insertRaw(place.rawPool, batches, loop * share + 1))),
  );
}

/** The raw table numbers every row 0 of its stream, so a draw gets a stream of its own; and it wants JSON in `reads`. */
function oneRow(event: RecordedEvent): AppendRequest {
  const stream = event.revision === 0 ? event.stream : `${event.stream}+${event.revision}`;
  return { writes: [{ stream, expectedRevision: 'noStream', events: [{ reads: {}, ...event }] }] };
}

export async function commitFund({ log }: Pick<BenchPlace, 'log'>, fundId: string): Promise<void> {
  await log.append([commitment(fundId)]);
}

export function commitment(fundId: string): AppendRequest {
  const terms = { ownerId: 'demo', name: 'bench', fiscalYear: 2026, budgetCode: null, dryRun: false };
  const data = { fundId, ...terms, amountPoints: 1_000_000_000_000 };
  const event = ledgerEvent(
    { type: 'FundCommitted', data },
    {
      id: derivedId('FundCommitted', fundId),
      cause: { id: null, correlationId: fundId },
      effectiveAt: isoTime(Date.now()),
      ownerId: 'demo',
    },
  );
  return { writes: [{ stream: fundStream(fundId), expectedRevision: 'noStream', events: [event] }] };
}

export function someClaim(fundId: string): ClaimToDecide {
  const id = newId(Date.now());
  return {
    order: {
      claimId: newId(Date.now()),
      personId: newId(Date.now()),
      campaignId: '019ab3f0-6c00-7000-8000-0000000000d1',
      measureId: '019ab3f0-6c00-7000-8000-0000000000e1',
      programmeId: 'default',
      fundId,
      amountPoints: AMOUNT_POINTS,
      ruleVersion: 1,
      attempt: 1,
      dryRun: false,
      pointsExpireAt: null,
      pointsExpireAfterMonths: 6,
      answers: [],
      receiptNumber: 'R-VHFF-AAM9-BBEU-ATMQ',
    },
    cause: { id, correlationId: randomUUID() },
  };
}
