import type { Pool, PoolClient } from 'pg';

/**
 * Runs the work in one transaction of its own; rolled back when it throws, and a connection that broke is not used again.
 * With `begin: false` the work begins it with its own first statement.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  { begin = true }: { readonly begin?: boolean } = {},
): Promise<T> {
  const client = await pool.connect();
  let broken = true;
  // Said once more in the rejection of the statement that was under way.
  const ignore = () => {};
  client.on('error', ignore);
  try {
    if (begin) await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    broken = false;
    return result;
  } catch (error) {
    broken = await client.query('rollback').then(
      () => false,
      () => true,
    );
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}
