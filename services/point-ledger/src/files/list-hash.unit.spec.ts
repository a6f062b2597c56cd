import fc from 'fast-check';
import { columnsOf, rowOf } from '../domain/list-rows.js';
import type { ListFormat } from './list-file.js';
import { contentHasher, contentKey } from './list-hash.js';
import { csvOf, readBytes, xlsxOf } from './test-list-files.js';

const nowMs = Date.parse('2026-11-20T01:00:00.000Z');

interface Row {
  readonly personId: string;
  readonly amountPoints: number;
  readonly reference: string;
}

const personId = fc
  .tuple(fc.integer({ min: 0, max: nowMs }), fc.bigInt({ min: 0n, max: 2n ** 62n - 1n }))
  .map(([ms, random]) => {
    const hex = ms.toString(16).padStart(12, '0');
    const tail = (2n ** 63n + random).toString(16).padStart(16, '0');
    return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-${tail.slice(0, 4)}-${tail.slice(4)}`;
  });
const rowsOf = fc.uniqueArray(
  fc.record({
    personId,
    amountPoints: fc.integer({ min: 1, max: 1_000_000 }),
    reference: fc.stringMatching(/^[A-Z]\d{0,6}$/),
  }),
  { minLength: 1, maxLength: 20, selector: (row) => row.personId },
);

/** Reads a file as the service does and hashes its rows in canonical order. */
async function hashOf(bytes: Uint8Array, format: ListFormat): Promise<string> {
  const { lines, problem } = await readBytes(bytes, format);
  const [header, ...rest] = lines;
  const columns = columnsOf(header?.cells ?? []);
  if (!columns.ok || problem) throw new Error('a file of the spec is readable');
  const rows = rest.map(({ line, cells }) => {
    const read = rowOf(cells, line, columns.value, { amountPointsMax: 1_000_000, nowMs });
    if (!('row' in read)) throw new Error('a row of the spec is good');
    return read.row;
  });
  const hasher = contentHasher();
  for (const row of rows.toSorted((a, b) => (a.personId < b.personId ? -1 : 1))) hasher.add(row);
  return hasher.digest();
}

const table = (rows: readonly Row[]) => [
  ['personId', 'amountPoints', 'reference'],
  ...rows.map((row) => [row.personId, row.amountPoints, row.reference]),
];
const csv = (rows: readonly Row[]) => Buffer.from(csvOf(table(rows)));

describe('the hash of a list`s content', () => {
  it('is the same in any order, format, letter case and column order, with whatever references', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOf, fc.integer({ min: 0, max: 19 }), async (rows, turn) => {
        const first = await hashOf(csv(rows), 'csv');
        const turned = [...rows.slice(turn), ...rows.slice(0, turn)].reverse();
        expect(await hashOf(csv(turned), 'csv')).toBe(first);
        expect(await hashOf(xlsxOf(table(turned)), 'xlsx')).toBe(first);
        expect(await hashOf(xlsxOf(table(rows), { inline: true }), 'xlsx')).toBe(first);
        const other = [
          ['付与ポイント', '個人ID'],
          ...turned.map((row) => [` ${row.amountPoints}`, row.personId.toUpperCase()]),
        ];
        expect(await hashOf(Buffer.from(csvOf(other, '\n')), 'csv')).toBe(first);
        const renamed = rows.map((row, index) => ({ ...row, reference: `X${index}` }));
        expect(await hashOf(csv(renamed), 'csv')).toBe(first);
      }),
      { numRuns: 25 },
    );
  });

  it('is another one when any row is changed, added or left out', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOf, personId, fc.nat(), async (rows, newcomer, at) => {
        fc.pre(rows.every((row) => row.personId !== newcomer));
        const first = await hashOf(csv(rows), 'csv');
        const place = at % rows.length;
        const dearer = rows.map((row, index) =>
          index === place ? { ...row, amountPoints: row.amountPoints + 1 } : row,
        );
        const swapped = rows.map((row, index) => (index === place ? { ...row, personId: newcomer } : row));
        const fewer = rows.filter((_, index) => index !== place);
        const more = [...rows, { personId: newcomer, amountPoints: 1, reference: '' }];
        const hashes = [
          await hashOf(csv(swapped), 'csv'),
          await hashOf(csv(fewer), 'csv'),
          await hashOf(csv(more), 'csv'),
        ];
        expect(hashes).not.toContain(first);
        if (dearer.every((row) => row.amountPoints <= 1_000_000))
          expect(await hashOf(csv(dearer), 'csv')).not.toBe(first);
      }),
      { numRuns: 25 },
    );
  });

  it('takes rows in canonical order only, each person once', () => {
    const hasher = contentHasher();
    hasher.add({ personId: 'b', amountPoints: 1 });
    expect(() => hasher.add({ personId: 'a', amountPoints: 1 })).toThrow();
    expect(() => hasher.add({ personId: 'b', amountPoints: 1 })).toThrow();
  });

  it('belongs to an owner and a measure', () => {
    const keys = [
      contentKey('a', 'b', 'c'),
      contentKey('ab', '', 'c'),
      contentKey('a', 'bc', ''),
      contentKey('b', 'b', 'c'),
    ];
    expect(new Set(keys).size).toBe(4);
  });
});
