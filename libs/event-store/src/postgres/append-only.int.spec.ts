import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import { write } from '../suite/place.js';
import { openPlace } from './test-schema.js';

let database: TestDatabase;
let place: Awaited<ReturnType<typeof openPlace>>;
beforeAll(async () => {
  database = await testDatabase();
  place = await openPlace(database);
  await place.log.append([write('thing-1', 'noStream', 3)]);
});
afterAll(async () => {
  await place.close();
  await database.close();
});

describe('a recorded event, for the role of a service', () => {
  it.each([
    `update events set data = '{}'`,
    `update events set actor = 'x' where false`,
    'delete from events where position = 1',
    'truncate events',
    'drop table events',
    'alter table events disable trigger all',
    'create rule r as on insert to events do instead nothing',
  ])('cannot be changed by: %s', async (sql) => {
    await expect(place.schema.service.query(sql)).rejects.toMatchObject({ code: '42501' });
    expect(await place.log.head()).toBe(3);
  });

  it('can be read with plain SQL', async () => {
    const sql = `select position, stream, revision, type, data ->> 'by' as by, owner_id, actor from events order by position`;
    const { rows } = await place.schema.service.query(sql);
    expect(rows[2]).toEqual({
      position: '3',
      stream: 'thing-1',
      revision: 2,
      type: 'Counted',
      by: '1',
      owner_id: null,
      actor: 'service:test',
    });
  });
});

test('a table that only grows is not vacuumed for its growth: small events would go to the ends of old pages', async () => {
  const sql = `select reloptions from pg_class where oid = 'events'::regclass`;
  const { rows } = await place.schema.service.query(sql);
  expect(rows).toEqual([{ reloptions: ['autovacuum_vacuum_insert_threshold=-1'] }]);
});
