import { setTimeout as delay } from 'node:timers/promises';
import { forwardClock, readOffset, recordedProfile, servicePool } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { DatabaseUrls } from './database.js';
import { UserError } from './user-error.js';

/** Every process follows a moved clock within this time. */
const FOLLOWED_WITHIN_MS = 1_000;

/** The platform's time as stored: all processes show it. */
export async function readClock(databases: DatabaseUrls): Promise<{ offsetMs: number; nowMs: number }> {
  const offsetMs = await withPool(databases.owner, readOffset);
  return { offsetMs, nowMs: Date.now() + offsetMs };
}

/** Whatever the environment says: tokens of the command line must never reach real data. Throws UserError. */
export async function requireTestData(databases: DatabaseUrls): Promise<void> {
  const profile = await withPool(databases.owner, recordedProfile);
  if (profile !== 'test')
    throw new UserError(`These data belong to the ${profile} profile: tokens are made for test data only.`);
}

/** Moves the test clock forward and returns when every process follows. */
export async function moveClock(databases: DatabaseUrls, byMs: number): Promise<string> {
  const now = await withPool(databases.owner, (pool) => forwardClock(pool, 'test', byMs));
  await delay(FOLLOWED_WITHIN_MS);
  return now;
}

async function withPool<T>(url: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = servicePool({ url, schema: 'platform', connectionsMax: 1 });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}
