import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import { write } from '../suite/place.js';
import { recordedColumns } from './recorded-rows.js';
import { openPlace } from './test-schema.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

test('rows come as they were recorded: JSON as it was written, times to the microsecond, nothing past the head', async () => {
  const { schema, log, close } = await openPlace(database);
  await log.append([write('thing-1', 'noStream'), write('thing-2', 'noStream'), write('thing-3', 'noStream')]);
  const written = '{"b" : 1,  "a": "\\u3064", "b": 2}';
  const change = `update events set data = $1::json, effective_at = '2026-11-05 12:04:05.123456+09' where position = 2`;
  await schema.owner.query(change, [written]);
  await schema.owner.query('update events set position = 9 where position = 3; update log_head set position = 2');
  const rows = await log.readRows({ after: 1, limit: 10 });
  const [row, ...others] = rows.map((values) =>
    Object.fromEntries(recordedColumns.map((column, i) => [column, values[i]])),
  );
  expect(others).toEqual([]);
  expect(row).toMatchObject({ position: '2', stream: 'thing-2', revision: '0', schema_version: '1', reads: null });
  expect([row?.data, row?.effective_at]).toEqual([written, '2026-11-05 03:04:05.123456']);
  expect(await log.readRows({ after: 0, limit: 1 })).toHaveLength(1);
  await close();
});
