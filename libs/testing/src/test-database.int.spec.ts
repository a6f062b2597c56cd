import { testDatabase } from './test-database.js';

describe('a test database', () => {
  it('is fresh, empty and its own', async () => {
    const [one, two] = await Promise.all([testDatabase(), testDatabase()]);
    await one.pool.query('CREATE TABLE t (n int)');
    const { rows } = await two.pool.query("SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'");
    expect(rows).toEqual([{ n: 0 }]);
    await Promise.all([one.close(), two.close()]);
  });
});
