import type { RecordedRow } from '@tsunagu/event-store';
import { leafAt, leafOf, positionOfLeaf } from './leaf.js';

const row: RecordedRow = [
  'person:01a2',
  null,
  'c0ffee',
  '{"a": "つなぐ \\"x\\"", "owner_id":null,"position":7,"reads":1}',
  '2026-11-05 03:04:05.1',
  '01a206b7-c8ba-7000-9b5a-e6d508654f34',
  'demo',
  '12',
  null,
  '2026-11-05 03:04:05',
  '01a206b7-c8ba-7000-9b5a-e6d508654f35',
  '0',
  '1',
  'account-01a2',
  'PointsGranted',
];

test('the leaf is canonical JSON of every column, the recorded JSON as a text', () => {
  const leaf = leafOf(row);
  expect(leaf).toBe(
    '{"actor":"person:01a2","causation_id":null,"correlation_id":"c0ffee",' +
      '"data":"{\\"a\\": \\"つなぐ \\\\\\"x\\\\\\"\\", \\"owner_id\\":null,\\"position\\":7,\\"reads\\":1}",' +
      '"effective_at":"2026-11-05T03:04:05.100000Z","event_id":"01a206b7-c8ba-7000-9b5a-e6d508654f34",' +
      '"owner_id":"demo","position":12,"reads":null,"recorded_at":"2026-11-05T03:04:05.000000Z",' +
      '"request_id":"01a206b7-c8ba-7000-9b5a-e6d508654f35","revision":0,"schema_version":1,' +
      '"stream":"account-01a2","type":"PointsGranted"}',
  );
  const parsed = JSON.parse(leaf);
  expect(Object.keys(parsed)).toEqual(Object.keys(parsed).toSorted());
  expect(JSON.stringify(parsed)).toBe(leaf);
});

test('a change of any column, of one space even, is another leaf', () => {
  const leaf = leafOf(row);
  row.forEach((value, column) => {
    const other = column === 4 || column === 9 ? '2026-11-05 03:04:05.100001' : column === 7 ? '13' : `${value ?? ''} `;
    expect(leafOf(row.with(column, other) as unknown as RecordedRow)).not.toBe(leaf);
  });
  const emptied = row.with(6, null) as unknown as RecordedRow;
  expect(leafOf(emptied)).not.toBe(leafOf(row.with(6, 'null') as unknown as RecordedRow));
});

test('the position in a leaf is found and changed there and nowhere else', () => {
  const leaf = leafOf(row);
  expect(positionOfLeaf(leaf)).toBe(12);
  expect(leafAt(leaf, 40)).toBe(leafOf(row.with(7, '40') as unknown as RecordedRow));
  const deceiving = row.with(6, 'x","position":99,"reads":').with(7, '-3') as unknown as RecordedRow;
  expect(positionOfLeaf(leafOf(deceiving))).toBe(-3);
  expect(positionOfLeaf('{"position":1}')).toBeUndefined();
});

test('a time that is none to PostgreSQL stays as it is written', () => {
  expect(leafOf(row.with(4, 'infinity') as unknown as RecordedRow)).toContain('"effective_at":"infinity"');
});
