import type { Pool, PoolClient } from 'pg';
import type { FeedMessage } from './contract.js';
import type { ParkedMessage } from './deliver.js';
import { partitionOf } from './message.js';
import { errorFacts } from './outage.js';

/** The partition number of a lane that is a whole log. */
export const wholeLog = -1;

/** One ordered way of messages: a partition of a topic, or a whole log. Changed only by the worker that owns it. */
export interface Lane {
  readonly log: number;
  readonly partition: number;
  /** Everything up to here is worked off or parked. */
  position: number;
  /** What the consumer was given, or is about to be; `position` follows when that is stored. */
  taken: number;
  /** What `position` is in the table; behind where nothing of the topic lay between. */
  storedPosition: number;
  /** Of the stored row: a save with an older one is refused. */
  revision: number;
  /** Keys with a dead letter: their messages wait. */
  blocked: Set<string>;
}

/** A message found parked, to be worked off again. */
export interface OpenLetter {
  readonly log: number;
  readonly position: number;
  readonly key: string;
  readonly eventId: string;
}

/** The tables feed_positions and dead_letters of the consumer's schema, for one group and topic. */
export class LaneStore {
  constructor(
    private readonly pool: Pool,
    readonly group: string,
    readonly topic: string,
  ) {}

  /**
   * The lanes as stored. A partition seen for the first time starts where the whole log stands (a service that followed
   * the log directly before), else at 0: what was worked off already is recognised by the consumer.
   */
  async load(log: number, partitions: readonly number[]): Promise<readonly Lane[]> {
    await this.pool.query(
      `INSERT INTO feed_positions (consumer_group, topic, log, partition, position)
       SELECT $1, $2, $3, p, coalesce((SELECT position FROM feed_positions
                WHERE consumer_group = $1 AND topic = $2 AND log = $3 AND partition = ${wholeLog}), 0)
         FROM unnest($4::int[]) AS p
       ON CONFLICT DO NOTHING`,
      [this.group, this.topic, log, partitions],
    );
    const rows = await this.pool.query<{ partition: number; position: string; revision: string }>(
      `SELECT partition, position, revision FROM feed_positions
        WHERE consumer_group = $1 AND topic = $2 AND log = $3 AND partition = ANY ($4::int[])`,
      [this.group, this.topic, log, partitions],
    );
    const keys = await this.pool.query<{ message_key: string }>(
      `SELECT DISTINCT message_key FROM dead_letters
        WHERE consumer_group = $1 AND topic = $2 AND log = $3 AND state <> 'redriven'`,
      [this.group, this.topic, log],
    );
    return rows.rows.map((row) => ({
      log,
      partition: row.partition,
      position: Number(row.position),
      taken: Number(row.position),
      storedPosition: Number(row.position),
      revision: Number(row.revision),
      blocked: new Set(
        keys.rows
          .map((r) => r.message_key)
          .filter((key) => row.partition === wholeLog || partitionOf(key) === row.partition),
      ),
    }));
  }

  /**
   * Stores where the lanes stand and what was parked on the way, in one transaction. Returns the lanes that another
   * worker has changed in between: nothing of theirs is stored, and they must be loaded again.
   */
  async save(lanes: readonly Lane[], parked: readonly ParkedMessage[], now: string): Promise<readonly Lane[]> {
    if (parked.length === 0) return this.move(this.pool, lanes);
    return this.inTransaction(async (client) => {
      const lost = await this.move(client, lanes);
      if (lost.length > 0) return { keep: false, value: lost };
      for (const letter of parked) await this.park(client, letter, laneOf(lanes, letter.message), now);
      return { keep: true, value: lost };
    });
  }

  /** Keys whose re-drive was asked for. */
  async requestedKeys(lanes: readonly Lane[]): Promise<readonly { log: number; key: string }[]> {
    const found = await this.pool.query<{ log: number; message_key: string }>(
      `SELECT DISTINCT log, message_key FROM dead_letters
        WHERE consumer_group = $1 AND topic = $2 AND state <> 'redriven' AND redrive_requested_at IS NOT NULL`,
      [this.group, this.topic],
    );
    return found.rows
      .map((row) => ({ log: row.log, key: row.message_key }))
      .filter(({ log, key }) => lanes.some((lane) => lane.log === log && lane.blocked.has(key)));
  }

  /** The open letters of a key in order, at most `limit`. */
  async openLetters(log: number, key: string, limit: number): Promise<readonly OpenLetter[]> {
    const found = await this.pool.query<{ position: string; event_id: string }>(
      `SELECT position, event_id FROM dead_letters
        WHERE consumer_group = $1 AND topic = $2 AND log = $3 AND message_key = $4 AND state <> 'redriven'
        ORDER BY position LIMIT $5`,
      [this.group, this.topic, log, key, limit],
    );
    return found.rows.map((row) => ({ log, key, position: Number(row.position), eventId: row.event_id }));
  }

  /**
   * Stores the outcome of a re-drive: `done` are ended, `parked` stay, with their new error. A failed re-drive must be asked for again.
   * False when another worker has changed the lane: nothing is stored.
   */
  async settle(
    lane: Lane,
    key: string,
    done: readonly OpenLetter[],
    parked: readonly ParkedMessage[],
    now: string,
  ): Promise<boolean> {
    return this.inTransaction(async (client) => {
      const lost = await this.move(client, [lane]);
      if (lost.length > 0) return { keep: false, value: false };
      await client.query(
        `UPDATE dead_letters SET state = 'redriven', ended_at = $5, last_attempt_at = $5, attempts = attempts + 1
          WHERE consumer_group = $1 AND topic = $2 AND log = $3 AND position = ANY ($4::bigint[])`,
        [this.group, this.topic, lane.log, done.map((letter) => letter.position), now],
      );
      for (const letter of parked) await this.park(client, letter, lane, now);
      if (parked.length > 0) {
        await client.query(
          `UPDATE dead_letters SET redrive_requested_at = NULL
            WHERE consumer_group = $1 AND topic = $2 AND log = $3 AND message_key = $4 AND state <> 'redriven'`,
          [this.group, this.topic, lane.log, key],
        );
      }
      return { keep: true, value: true };
    });
  }

  private async move(client: Pool | PoolClient, lanes: readonly Lane[]): Promise<readonly Lane[]> {
    const moved = await client.query<{ log: number; partition: number }>(
      `UPDATE feed_positions AS f
          SET position = u.position, revision = f.revision + 1, updated_at = now()
         FROM unnest($3::int[], $4::int[], $5::bigint[], $6::bigint[]) AS u (log, partition, position, revision)
        WHERE f.consumer_group = $1 AND f.topic = $2
          AND f.log = u.log AND f.partition = u.partition AND f.revision = u.revision
        RETURNING f.log, f.partition`,
      [
        this.group,
        this.topic,
        lanes.map((lane) => lane.log),
        lanes.map((lane) => lane.partition),
        lanes.map((lane) => lane.position),
        lanes.map((lane) => lane.revision),
      ],
    );
    const stored = new Set(moved.rows.map((row) => `${row.log}/${row.partition}`));
    return lanes.filter((lane) => !stored.has(`${lane.log}/${lane.partition}`));
  }

  private async park(client: PoolClient, letter: ParkedMessage, lane: Lane, now: string): Promise<void> {
    const { message, state, attempts } = letter;
    const facts = state === 'dead' ? errorFacts(letter.error) : { class: null, code: null };
    await client.query(
      `INSERT INTO dead_letters AS d (consumer_group, topic, log, partition, position, message_key, event_id, event_type,
                                      owner_id, state, error_class, error_code, attempts, first_attempt_at, last_attempt_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
       ON CONFLICT (consumer_group, topic, log, position) DO UPDATE
         SET state = EXCLUDED.state, error_class = EXCLUDED.error_class, error_code = EXCLUDED.error_code,
             attempts = d.attempts + EXCLUDED.attempts,
             first_attempt_at = coalesce(d.first_attempt_at, EXCLUDED.first_attempt_at),
             last_attempt_at = coalesce(EXCLUDED.last_attempt_at, d.last_attempt_at)
       WHERE d.state <> 'redriven'`,
      [
        this.group,
        this.topic,
        lane.log,
        lane.partition,
        message.position,
        message.key,
        message.id,
        message.type,
        message.ownerId,
        state,
        facts.class,
        facts.code,
        attempts,
        attempts > 0 ? now : null,
      ],
    );
  }

  private async inTransaction<T>(work: (client: PoolClient) => Promise<{ keep: boolean; value: T }>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const { keep, value } = await work(client);
      await client.query(keep ? 'COMMIT' : 'ROLLBACK');
      return value;
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      // A client whose transaction failed is closed rather than given back with an open transaction.
      client.release(broken);
    }
  }
}

/** The lane that a message belongs to. */
export function laneOf(lanes: readonly Lane[], message: FeedMessage): Lane {
  const lane = lanes.find(
    (l) => l.log === message.log && (l.partition === wholeLog || l.partition === partitionOf(message.key)),
  );
  if (!lane) throw new Error(`no lane for position ${message.position} of ${message.topic}`);
  return lane;
}
