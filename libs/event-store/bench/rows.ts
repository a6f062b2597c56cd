import type { AppendRequest } from '../src/index.js';
import { alternate, type BenchRow, rate, type Spread } from './measure.js';
import { type BenchPlace, emptied, grants, inParallel, insertOne, insertRaw, openBenchPlace } from './subjects.js';

const BATCH = 1_000;
const BATCHES = 40;
/** Calls that wait for an answer at a time: one more than the store has under way, so that it is never idle. */
const CALLS = 3;
const RAW_LOOPS = 2;
const SINGLES = 10_000;
const REPLAYED = 60_000;
const PAGE = 5_000;

/** The event store's rows of the speed table. Needs a database of its own: makes and drops two schemas there. */
export async function benchRows(url: string): Promise<BenchRow[]> {
  const place = await openBenchPlace(url);
  try {
    return [...(await appendRows(place)), ...(await singleRows(place)), await replayRow(place)];
  } finally {
    await place.close();
  }
}

async function appendRows(place: BenchPlace): Promise<BenchRow[]> {
  const [measured, limit] = await alternate([
    () => emptied(place).then(() => appendBatches(place)),
    () => insertBatches(place),
  ]);
  return [
    row('append, batches of 1,000, one log', 'raw rows as joined texts, two connections', measured, limit, 0.75, 0.75),
  ];
}

/** Events a second of such batches, as many under way as keep the store busy. */
export async function appendBatches(place: Pick<BenchPlace, 'log'>, requests = grants): Promise<number> {
  const batches = Array.from({ length: BATCHES }, () => requests(BATCH));
  return rate(BATCHES * BATCH, () => inParallel(CALLS, batches, (batch) => place.log.append(batch)));
}

async function insertBatches(place: BenchPlace): Promise<number> {
  await emptied(place);
  const share = BATCHES / RAW_LOOPS;
  const loops = Array.from({ length: RAW_LOOPS }, () => Array.from({ length: share }, () => grants(BATCH)));
  const insert = (batches: AppendRequest[][], loop: number) =>
    insertRaw(place.rawPool, batches, loop * share * BATCH + 1);
  return rate(BATCHES * BATCH, () => Promise.all(loops.map(insert)));
}

async function singleRows(place: BenchPlace): Promise<BenchRow[]> {
  const [few, many, limit] = await alternate([
    () => appendSingles(place, 64),
    () => appendSingles(place, 512),
    () => insertSingles(place),
  ]);
  const against = 'one INSERT a transaction, 64 connections';
  return [
    row('append, 64 concurrent single appends', against, few, limit, 3, 3),
    row('append, 512 concurrent single appends', against, many, limit, 5, 5),
  ];
}

async function appendSingles(place: BenchPlace, callers: number): Promise<number> {
  await emptied(place);
  const requests = grants(SINGLES);
  return rate(SINGLES, () => inParallel(callers, requests, (request) => place.log.append([request])));
}

async function insertSingles(place: BenchPlace): Promise<number> {
  await emptied(place);
  const requests = grants(SINGLES);
  let position = 0;
  const insert = (request: AppendRequest) => {
    position += 1;
    return insertOne(place.rawPool, request, position);
  };
  return rate(SINGLES, () => inParallel(64, requests, insert));
}

async function replayRow(place: BenchPlace): Promise<BenchRow> {
  await emptied(place);
  for (let n = 0; n < REPLAYED; n += BATCH) await place.log.append(grants(BATCH));
  const [measured, limit] = await alternate([
    () => rate(REPLAYED, () => replay(place)),
    () => rate(REPLAYED, () => readRows(place)),
  ]);
  return row('log replay into state', 'the same rows read by the driver and parsed', measured, limit, 0.5, 0.8);
}

async function replay({ log }: BenchPlace): Promise<void> {
  const balances = new Map<string, number>();
  for (let after = 0; after < REPLAYED; ) {
    const slice = await log.readLog({ after, limit: PAGE });
    for (const { stream, data } of slice.events) {
      balances.set(stream, (balances.get(stream) ?? 0) + (data as { points: number }).points);
    }
    after = slice.through;
  }
  if (balances.size !== REPLAYED) throw new Error('the replay lost something');
}

async function readRows({ pool }: BenchPlace): Promise<void> {
  let read = 0;
  for (let after = 0; after < REPLAYED; after += PAGE) {
    const text = 'select * from events where position > $1 order by position limit $2';
    read += (await pool.query({ name: 'page', text, values: [after, PAGE] })).rows.length;
  }
  if (read !== REPLAYED) throw new Error('the rows are not all there');
}

function row(
  name: string,
  against: string,
  measured: Spread | undefined,
  limit: Spread | undefined,
  bar: number,
  aim: number,
): BenchRow {
  if (!measured || !limit) throw new Error(`${name} was not measured`);
  return { name, unit: 'events/s', measured, against, limit, ratio: measured.median / limit.median, bar, aim };
}
