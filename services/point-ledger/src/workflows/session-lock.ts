import type { Pool, PoolClient } from 'pg';
import { contested } from './recording.js';

/** A lock that lives as long as the session that took it, and so can be lost while its holder goes on. */
export interface SessionLock {
  /** Throws `store.unavailable` once the session is gone: another process may be at the same work. */
  assertHeld(): void;
}

/**
 * Does the work while this session holds the advisory lock; undefined, and nothing done, where another one holds it. `keys`
 * is SQL for its two keys. Such a lock keeps two processes from doing the same work twice over; that nothing is recorded
 * twice does not rest on it.
 */
export async function underSessionLock<T>(
  database: Pool,
  keys: { readonly sql: string; readonly values: readonly unknown[] },
  work: (lock: SessionLock) => Promise<T>,
): Promise<T | undefined> {
  const client = await database.connect();
  let isLost = false;
  const lose = () => {
    isLost = true;
  };
  client.on('error', lose);
  try {
    if (!(await isTaken(client, keys))) return undefined;
    const done = await work({
      assertHeld() {
        if (isLost) throw contested('the session that held the lock of this work is gone');
      },
    });
    await client.query(`select pg_advisory_unlock(${keys.sql})`, [...keys.values]);
    return done;
  } catch (error) {
    // The lock ends with its connection.
    isLost = true;
    throw error;
  } finally {
    client.off('error', lose);
    client.release(isLost);
  }
}

async function isTaken(client: PoolClient, { sql, values }: { sql: string; values: readonly unknown[] }) {
  const { rows } = await client.query<{ taken: boolean }>(`select pg_try_advisory_lock(${sql}) as taken`, [...values]);
  return rows[0]?.taken === true;
}
