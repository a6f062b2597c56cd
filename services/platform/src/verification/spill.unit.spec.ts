import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../user-error.js';
import { Spill } from './spill.js';

type Line = readonly [key: string, n: number, text?: string];

function put(spill: Spill<Line>, lines: readonly Line[]) {
  for (const line of lines) spill.add(spill.bucketOf(line[0]), line);
}

function all(spill: Spill<Line>) {
  return Array.from({ length: spill.bucketCount }, (_, bucket) => [...spill.records(bucket)]);
}

it('gives back everything, what has one key together and in its order', () => {
  const spill = Spill.open<Line>(16);
  const lines = Array.from({ length: 20_000 }, (_, n): Line => [`key ${n % 500}`, n, 'つなぐ\n"']);
  put(spill, lines);
  const buckets = all(spill);
  expect(buckets.flat()).toHaveLength(lines.length);
  expect(spill.count()).toBe(lines.length);
  for (const [bucket, records] of buckets.entries()) {
    expect(records.every(([key]) => spill.bucketOf(key) === bucket)).toBe(true);
    expect(records).toEqual(lines.filter(([key]) => spill.bucketOf(key) === bucket));
  }
  spill.close();
});

it('spreads keys over all buckets', () => {
  const spill = Spill.open<Line>();
  put(
    spill,
    Array.from({ length: 51_200 }, (_, n): Line => [`01954f2e-0000-7000-8000-${String(n).padStart(12, '0')}`, n]),
  );
  const counts = Array.from({ length: 512 }, (_, bucket) => spill.count(bucket));
  // A hundred each, give or take what chance gives: seven standard deviations.
  expect(Math.min(...counts)).toBeGreaterThan(30);
  expect(Math.max(...counts)).toBeLessThan(170);
  spill.close();
});

it('keeps a record that is larger than what it gathers, in its place', () => {
  const spill = Spill.open<Line>(1);
  const lines: Line[] = [
    ['a', 1, 'x'],
    ['a', 2, 'つ'.repeat(100_000)],
    ['a', 3, 'x'],
  ];
  put(spill, lines);
  expect(all(spill)).toEqual([lines]);
  spill.close();
});

it('leaves no name in the temporary directory, where anyone could open it or it could stay behind', () => {
  const { TMPDIR } = process.env;
  const directory = mkdtempSync(join(tmpdir(), 'tsunagu-spill-'));
  process.env.TMPDIR = directory;
  try {
    const spill = Spill.open<Line>(1);
    put(spill, [['a', 1, 'x'.repeat(100_000)]]);
    expect(readdirSync(directory)).toEqual([]);
    expect(all(spill).flat()).toHaveLength(1);
    spill.close();
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    rmSync(directory, { recursive: true });
  }
});

// A device that is always full; only Linux has it.
(existsSync('/dev/full') ? it : it.skip)('says in one sentence that the disk is full', () => {
  const file = openSync('/dev/full', 'r+');
  const spill = new Spill<Line>(file, 1);
  expect(() => put(spill, [['a', 1, 'x'.repeat(100_000)]])).toThrow(UserError);
  expect(() => put(spill, [['a', 1, 'x'.repeat(100_000)]])).toThrow(
    /^The temporary directory .* is full \(ENOSPC\): verify puts events aside there.* TMPDIR names another directory\.$/,
  );
  closeSync(file);
});
