import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One line of the speed table: a figure and the limit measured beside it, both in units a second. */
export interface BenchRow {
  readonly name: string;
  readonly unit: string;
  readonly measured: Spread;
  readonly against: string;
  readonly limit: Spread;
  /** Of the medians. */
  readonly ratio: number;
  readonly bar: number;
  readonly aim: number;
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

const RUNS = 5;
const FSYNCS = 101;

/** Runs every subject once a round, five rounds after one that does not count; each run gives a rate. */
export async function alternate(subjects: readonly (() => Promise<number>)[], runs = RUNS): Promise<Spread[]> {
  const rates = subjects.map((): number[] => []);
  for (let round = 0; round <= runs; round += 1) {
    for (const [index, subject] of subjects.entries()) {
      const rate = await subject();
      if (round > 0) rates[index]?.push(rate);
    }
  }
  return rates.map(spread);
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { median: at(sorted.length >> 1), least: at(0), most: at(sorted.length - 1) };
}

/** Units a second of one piece of work. */
export async function rate(units: number, work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (units * 1000) / (performance.now() - startedMs);
}

/** Median milliseconds of an 8 KiB write and fdatasync in a directory. */
export async function fsyncMsMedian(directory = tmpdir()): Promise<number> {
  const place = await mkdtemp(join(directory, 'fsync-'));
  const file = await open(join(place, 'file'), 'w');
  const block = Buffer.alloc(8192);
  const times: number[] = [];
  for (let n = 0; n < FSYNCS; n += 1) {
    const startedMs = performance.now();
    await file.write(block, 0, block.length, n * block.length);
    await file.datasync();
    times.push(performance.now() - startedMs);
  }
  await file.close();
  await rm(place, { recursive: true });
  return spread(times).median;
}
