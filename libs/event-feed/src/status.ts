import type { Pool } from 'pg';

export interface FeedPosition {
  readonly group: string;
  readonly topic: string;
  readonly log: number;
  /** −1: the whole log. */
  readonly partition: number;
  readonly position: number;
  readonly updatedAt: string;
}

export interface DeadLetter {
  readonly group: string;
  readonly topic: string;
  readonly log: number;
  readonly position: number;
  readonly key: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly state: 'dead' | 'waiting';
  readonly errorClass: string | null;
  readonly errorCode: string | null;
  readonly attempts: number;
  readonly firstAttemptAt: string | null;
  readonly lastAttemptAt: string | null;
  readonly redriveRequestedAt: string | null;
}

export interface RelayPosition {
  readonly topic: string;
  readonly log: number;
  readonly position: number;
}

export interface FeedStatus {
  readonly positions: readonly FeedPosition[];
  readonly deadLetterCount: number;
  readonly waitingCount: number;
  /** Oldest first, at most 100. */
  readonly deadLetters: readonly DeadLetter[];
  readonly relays: readonly RelayPosition[];
}

const deadLettersShownMax = 100;

/** Where the feeds of a service stand, from its own schema: for `tsunagu status` and readiness. */
export async function feedStatus(pool: Pool): Promise<FeedStatus> {
  const positions = await pool.query<FeedPosition & { position: string; updatedAt: Date }>(
    `SELECT consumer_group AS "group", topic, log, partition, position, updated_at AS "updatedAt"
       FROM feed_positions ORDER BY consumer_group, topic, log, partition`,
  );
  const counts = await pool.query<{ state: string; count: string }>(
    `SELECT state, count(*) AS count FROM dead_letters WHERE state <> 'redriven' GROUP BY state`,
  );
  const letters = await pool.query<Record<string, unknown>>(
    `SELECT consumer_group AS "group", topic, log, position::float8 AS position, message_key AS key, event_id AS "eventId",
            event_type AS "eventType", state, error_class AS "errorClass", error_code AS "errorCode", attempts,
            first_attempt_at AS "firstAttemptAt", last_attempt_at AS "lastAttemptAt",
            redrive_requested_at AS "redriveRequestedAt"
       FROM dead_letters WHERE state <> 'redriven'
      ORDER BY first_attempt_at NULLS LAST, topic, log, position LIMIT ${deadLettersShownMax}`,
  );
  const relays = await pool.query<RelayPosition>(
    `SELECT topic, log, position::float8 AS position FROM relay_positions ORDER BY topic, log`,
  );
  const countOf = (state: string) => Number(counts.rows.find((row) => row.state === state)?.count ?? 0);
  return {
    positions: positions.rows.map((row) => ({
      ...row,
      position: Number(row.position),
      updatedAt: row.updatedAt.toISOString(),
    })),
    deadLetterCount: countOf('dead'),
    waitingCount: countOf('waiting'),
    deadLetters: letters.rows.map((row) => timesAsText(row) as unknown as DeadLetter),
    relays: relays.rows,
  };
}

/**
 * Asks for dead letters to be worked off again, with all that waits behind them, in order per key. The consumer that owns
 * the lane does so within about a second of being idle. Returns how many messages were asked for.
 */
export async function redrive(
  pool: Pool,
  which: { group: string; topic?: string; key?: string; eventId?: string },
): Promise<number> {
  const asked = await pool.query(
    `UPDATE dead_letters AS d SET redrive_requested_at = now()
      WHERE d.consumer_group = $1 AND d.state <> 'redriven'
        AND ($2::text IS NULL OR d.topic = $2)
        AND ($3::text IS NULL OR d.message_key = $3)
        AND ($4::uuid IS NULL OR d.message_key IN (SELECT message_key FROM dead_letters
                WHERE consumer_group = $1 AND topic = d.topic AND log = d.log AND event_id = $4))`,
    [which.group, which.topic ?? null, which.key ?? null, which.eventId ?? null],
  );
  return asked.rowCount ?? 0;
}

function timesAsText(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
  );
}
