import { type Clock, isoTime } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import { ConfigError } from './config.js';

export type Profile = 'test' | 'production';

/** How often a process looks whether the test clock was moved: every process follows within a second. */
const POLL_MS = 500;

/** The platform's clock in one process. In the production profile it is the real one. */
export interface PlatformClock extends Clock {
  /** Reads the stored offset now. */
  refresh(): Promise<void>;
  close(): void;
}

/** Follows the offset stored in schema `platform` of the settings database. An unreachable database leaves the last offset. */
export async function openClock({ database, profile }: { database: Pool; profile: Profile }): Promise<PlatformClock> {
  if (profile === 'production') return { now: () => Date.now(), refresh: async () => {}, close: () => {} };
  let offsetMs = 0;
  const refresh = async () => {
    offsetMs = await readOffset(database);
  };
  await refresh();
  const timer = setInterval(() => void refresh().catch(() => undefined), POLL_MS);
  timer.unref();
  return { now: () => Date.now() + offsetMs, refresh, close: () => clearInterval(timer) };
}

/** The stored offset of the test clock in milliseconds, 0 where none is stored. */
export async function readOffset(database: Pool): Promise<number> {
  const { rows } = await database.query<{ offset_ms: string }>('SELECT offset_ms FROM platform.clock');
  return Number(rows[0]?.offset_ms ?? 0);
}

/**
 * Records the profile at the first start. Throws ConfigError where the data belong to the other one: test cards and
 * command-line tokens must never reach real data.
 */
export async function recordProfile(database: Pool, profile: Profile): Promise<void> {
  await database.query('INSERT INTO platform.profile (profile) VALUES ($1) ON CONFLICT DO NOTHING', [profile]);
  const recorded = await recordedProfile(database);
  if (recorded !== profile) {
    throw new ConfigError(
      `These data belong to the ${recorded} profile, so they cannot be opened in the ${profile} profile.`,
    );
  }
}

/** Of which profile the data are; undefined before the first start. */
export async function recordedProfile(database: Pool): Promise<string | undefined> {
  const { rows } = await database.query<{ profile: string }>('SELECT profile FROM platform.profile');
  return rows[0]?.profile;
}

export interface ClockSetting {
  readonly profile: Profile;
  /** TSUNAGU_CLOCK; undefined keeps what is stored. */
  readonly requested: string | undefined;
  /** `recordedAt` of the last event in any log; undefined for empty logs. */
  readonly lastRecordedAt: string | undefined;
}

/**
 * Applies TSUNAGU_CLOCK at a start: the first start that sees a value stores the offset to real time; the same value, or
 * none, keeps it; another value sets a new one. Throws ConfigError for a time before the last recorded event, outside the
 * test profile, and for text that is no instant.
 */
export async function setClock(database: Pool, { profile, requested, lastRecordedAt }: ClockSetting): Promise<void> {
  if (requested === undefined || requested === '') return;
  if (profile !== 'test') throw new ConfigError('TSUNAGU_CLOCK moves the clock in the test profile only.');
  const instantMs = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(requested) ? Date.parse(requested) : Number.NaN;
  if (Number.isNaN(instantMs)) {
    throw new ConfigError('TSUNAGU_CLOCK must be an instant with its offset, such as 2026-11-20T10:00:00+09:00.');
  }
  const { rows } = await database.query<{ requested: string | null }>('SELECT requested FROM platform.clock');
  if (rows[0]?.requested === requested) return;
  await storeOffset(database, instantMs - Date.now(), requested, lastRecordedAt);
}

/** Moves the stored test clock forward; returns the new time. Every running process follows within a second. */
export async function forwardClock(database: Pool, profile: Profile, byMs: number): Promise<string> {
  if (profile !== 'test') throw new ConfigError('The clock is moved in the test profile only.');
  if (!Number.isSafeInteger(byMs) || byMs <= 0) throw new ConfigError('The clock moves forward only.');
  const { rows } = await database.query<{ offset_ms: string }>(
    `INSERT INTO platform.clock AS stored (offset_ms) VALUES ($1)
     ON CONFLICT (only_row) DO UPDATE SET offset_ms = stored.offset_ms + excluded.offset_ms, set_at = clock_timestamp()
     RETURNING offset_ms`,
    [byMs],
  );
  return isoTime(Date.now() + Number(rows[0]?.offset_ms ?? 0));
}

async function storeOffset(
  database: Pool,
  offsetMs: number,
  requested: string,
  lastRecordedAt: string | undefined,
): Promise<void> {
  if (lastRecordedAt !== undefined && Date.now() + offsetMs < Date.parse(lastRecordedAt)) {
    throw new ConfigError(`TSUNAGU_CLOCK lies before the last recorded event, which is of ${lastRecordedAt}.`);
  }
  await database.query(
    `INSERT INTO platform.clock AS stored (offset_ms, requested) VALUES ($1, $2)
     ON CONFLICT (only_row) DO UPDATE
       SET offset_ms = excluded.offset_ms, requested = excluded.requested, set_at = clock_timestamp()
       WHERE stored.requested IS DISTINCT FROM excluded.requested`,
    [offsetMs, requested],
  );
}
