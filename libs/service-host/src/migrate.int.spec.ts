import { isOutage } from '@tsunagu/event-feed';
import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import { thingsDefinition as definition } from './fixture/things.js';
import { migrate } from './migrate.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
  await database.pool.query(
    `do $$ begin create role migrating_spec; exception when duplicate_object or unique_violation then null; end $$`,
  );
});
afterEach(() => database.close());

const target = () => ({ ownerUrl: database.url, definition, serviceRole: 'migrating_spec' });
const schemas = async () =>
  (await database.pool.query('select from information_schema.schemata where schema_name = $1', [definition.schema]))
    .rowCount;

/** Ends the session that does or awaits the migration, in the middle of it. */
async function cut(): Promise<void> {
  const found = `select pg_terminate_backend(pid) from pg_locks
                  where locktype = 'advisory' and pid <> pg_backend_pid()
                    and database = (select oid from pg_database where datname = current_database())`;
  while ((await database.pool.query(found)).rowCount === 0);
}

it('makes nothing where its session is cut in the middle, and everything the next time, by several at once', async () => {
  const hinder = await database.pool.connect();
  // Waits for this table's name at its first set of migrations, under the lock.
  await hinder.query(`begin; create schema ${definition.schema}`);
  const migrating = migrate(target()).then(
    () => undefined,
    (error: unknown) => error,
  );
  await cut();
  expect(isOutage(await migrating)).toBe(true);
  await hinder.query('rollback');
  hinder.release();
  expect(await schemas()).toBe(0);

  await Promise.all([migrate(target()), migrate(target()), migrate(target())]);
  const { rows } = await database.pool.query(
    `select count(*)::int as n, max(version)::int as last from ${definition.schema}.migrations_event_store`,
  );
  expect(rows).toEqual([{ n: rows[0].last + 1, last: rows[0].last }]);
});
