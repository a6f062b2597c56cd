import { setTimeout as pause } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import { forwardClock, openClock, readOffset, recordProfile, setClock } from './clock.js';
import { ConfigError } from './config.js';
import { thingsDefinition } from './fixture/things.js';
import { migrate, migratePlatform } from './migrate.js';

describe('the platform`s clock', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
    await migratePlatform(database.url, []);
  });
  beforeEach(() => database.pool.query('TRUNCATE platform.clock, platform.profile'));
  afterAll(() => database.close());

  const set = (requested: string | undefined, lastRecordedAt?: string, profile: 'test' | 'production' = 'test') =>
    setClock(database.pool, { profile, requested, lastRecordedAt });

  it('is the real one until a value is given, and runs on from the value', async () => {
    await set(undefined);
    expect(await readOffset(database.pool)).toBe(0);
    const before = Date.now();
    await set('2030-04-01T00:00:00+09:00');
    const clock = await openClock({ database: database.pool, profile: 'test' });
    const passed = clock.now() - Date.parse('2030-04-01T00:00:00+09:00');
    expect(passed).toBeGreaterThanOrEqual(0);
    expect(passed).toBeLessThanOrEqual(Date.now() - before + 1);
    clock.close();
  });

  it('keeps its offset for the same value or none, and takes another value', async () => {
    await set('2030-04-01T00:00:00Z');
    const first = await readOffset(database.pool);
    await set('2030-04-01T00:00:00Z');
    await set(undefined);
    expect(await readOffset(database.pool)).toBe(first);
    await set('2030-04-02T00:00:00Z');
    expect(await readOffset(database.pool)).toBeGreaterThan(first);
  });

  it('never goes before the last recorded event', async () => {
    await set('2030-04-01T00:00:00Z');
    const stored = await readOffset(database.pool);
    await expect(set('2029-01-01T00:00:00Z', '2030-04-01T00:00:05.000Z')).rejects.toThrow(ConfigError);
    expect(await readOffset(database.pool)).toBe(stored);
    await set('2030-05-01T00:00:00Z', '2030-04-01T00:00:05.000Z');
  });

  it.each(['tomorrow', '2030-04-01', '2030-04-01T00:00:00', '2030-13-01T00:00:00Z', '1'])(
    'refuses %s',
    async (value) => {
      await expect(set(value)).rejects.toThrow(ConfigError);
    },
  );

  it('moves forward for every process that follows it', async () => {
    const clock = await openClock({ database: database.pool, profile: 'test' });
    const before = clock.now();
    await forwardClock(database.pool, 'test', 86_400_000);
    // It looks every 500 ms; a busy machine may take longer, and a clock that does not follow never ends this.
    while (clock.now() < before + 86_400_000) await pause(20);
    expect(clock.now()).toBeLessThan(before + 2 * 86_400_000);
    clock.close();
    await expect(forwardClock(database.pool, 'test', -1)).rejects.toThrow(ConfigError);
  });

  it('is the real one in production, which nothing moves', async () => {
    await expect(set('2030-04-01T00:00:00Z', undefined, 'production')).rejects.toThrow(ConfigError);
    await expect(forwardClock(database.pool, 'production', 1)).rejects.toThrow(ConfigError);
    await set('2030-04-01T00:00:00Z');
    const clock = await openClock({ database: database.pool, profile: 'production' });
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(50);
  });

  it('data of one profile are not opened in the other', async () => {
    await recordProfile(database.pool, 'test');
    await recordProfile(database.pool, 'test');
    await expect(recordProfile(database.pool, 'production')).rejects.toThrow('belong to the test profile');
  });
});

describe('migrations', () => {
  it('may be run by several processes at once, and again', async () => {
    const database = await testDatabase();
    const role = `migrating_${process.pid}_${Date.now()}`;
    await database.pool.query(`CREATE ROLE ${role}`);
    const run = () => migrate({ ownerUrl: database.url, definition: thingsDefinition, serviceRole: role });
    await Promise.all([run(), run(), run()]);
    await run();
    const { rows } = await database.pool.query<{ table_name: string }>(
      `SELECT table_name FROM information_schema.tables WHERE table_schema = 'campaign'`,
    );
    const names = rows.map(({ table_name }) => table_name);
    expect(names).toEqual(expect.arrayContaining(['events', 'feed_positions', 'idempotency', 'things']));
    const privileges = await database.pool.query<{ privilege_type: string }>(
      `SELECT privilege_type FROM information_schema.role_table_grants WHERE grantee = $1 AND table_name = 'events'`,
      [role],
    );
    expect(privileges.rows.map((row) => row.privilege_type).sort()).toEqual(['INSERT', 'SELECT']);
    await database.pool.query(`DROP OWNED BY ${role}`);
    await database.pool.query(`DROP ROLE ${role}`);
    await database.close();
  });
});
