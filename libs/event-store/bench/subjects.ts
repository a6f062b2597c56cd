import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { isoTime, newId, realClock } from '@tsunagu/kernel';
import { Pool } from 'pg';
import { type AppendRequest, eventStoreMigrations, type NewEvent, PostgresEventLog } from '../src/index.js';

/** The store and the same table without a store, in two schemas of one database. */
export interface BenchPlace {
  readonly pool: Pool;
  readonly log: PostgresEventLog;
  /** Its search path is the table without a store. */
  readonly rawPool: Pool;
  close(): Promise<void>;
}

const RAW_CONNECTIONS = 64;

export async function openBenchPlace(url: string, number = 0): Promise<BenchPlace> {
  const pool = poolIn(url, 'bench_store', 4);
  await pool.query('drop schema if exists bench_store cascade; drop schema if exists bench_raw cascade');
  await pool.query('create schema bench_store; create schema bench_raw');
  for (const file of readdirSync(eventStoreMigrations).sort()) {
    await pool.query(readFileSync(new URL(file, eventStoreMigrations), 'utf8'));
  }
  await pool.query('create table bench_raw.events (like bench_store.events including all)');
  const rawPool = poolIn(url, 'bench_raw', RAW_CONNECTIONS);
  const log = await PostgresEventLog.open({ pool, clock: realClock, log: number });
  return {
    pool,
    log,
    rawPool,
    async close() {
      await log.close();
      await rawPool.end();
      await pool.query('drop schema bench_store cascade; drop schema bench_raw cascade');
      await pool.end();
    },
  };
}

/** Both tables empty, and no checkpoint due in the middle of a run. */
export async function emptied({ pool }: BenchPlace): Promise<void> {
  await pool.query('truncate bench_store.events, bench_raw.events; update log_head set position = 0');
  await pool.query('checkpoint');
}

/** Requests of one event like a grant, of about 390 bytes, each on a stream of its own. */
export function grants(count: number): AppendRequest[] {
  return Array.from({ length: count }, () => {
    const personId = newId(Date.now());
    return { writes: [{ stream: `account-${personId}`, expectedRevision: 'noStream', events: [grant(personId)] }] };
  });
}

function grant(personId: string): NewEvent {
  const now = isoTime(Date.now());
  return {
    id: newId(Date.now()),
    type: 'PointsGranted',
    schemaVersion: 1,
    effectiveAt: now,
    correlationId: randomUUID(),
    causationId: newId(Date.now()),
    actor: 'service:point-ledger',
    ownerId: 'city-131016',
    reads: { [`account-${personId}`]: -1 },
    data: { claimId: randomUUID(), points: 5000, fundId: 'fund-1', expiresAt: '2027-03-31T15:00:00.000Z' },
  };
}

const COLUMNS = `position, stream, revision, event_id, request_id, type, schema_version, effective_at, recorded_at,
  correlation_id, causation_id, actor, owner_id, reads, data`;
const INSERT_MANY = {
  name: 'insert_many',
  text: `insert into events (${COLUMNS})
    select * from unnest(
      string_to_array($1, E'\\n')::bigint[], string_to_array($2, E'\\n'), string_to_array($3, E'\\n')::integer[],
      string_to_array($4, E'\\n')::uuid[], string_to_array($5, E'\\n')::uuid[], string_to_array($6, E'\\n'),
      string_to_array($7, E'\\n')::integer[], string_to_array($8, E'\\n')::timestamptz[],
      string_to_array($9, E'\\n')::timestamptz[], string_to_array($10, E'\\n'), string_to_array($11, E'\\n')::uuid[],
      string_to_array($12, E'\\n'), string_to_array($13, E'\\n'), string_to_array($14, E'\\n')::json[],
      string_to_array($15, E'\\n')::json[])`,
};
const INSERT_ONE = {
  name: 'insert_one',
  text: `insert into events (${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
};

/** Works a list off with so many calls under way at a time. */
export async function inParallel<T>(
  callers: number,
  list: readonly T[],
  work: (one: T) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const caller = async () => {
    for (let one = list[next++]; one !== undefined; one = list[next++]) await work(one);
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

/** The raw measure: the same rows as joined texts, no log lock, no checks but the table's; one batch after another. */
export async function insertRaw(pool: Pool, batches: readonly (readonly AppendRequest[])[], first: number) {
  const client = await pool.connect();
  let position = first;
  for (const batch of batches) {
    const columns = Array.from({ length: 15 }, (): unknown[] => []);
    for (const request of batch) {
      rawValues(request, position).forEach((value, index) => {
        columns[index]?.push(value);
      });
      position += 1;
    }
    await client.query({ ...INSERT_MANY, values: columns.map((column) => column.join('\n')) });
  }
  client.release();
}

export async function insertOne(pool: Pool, request: AppendRequest, position: number): Promise<void> {
  await pool.query({ ...INSERT_ONE, values: rawValues(request, position) });
}

function rawValues({ writes }: AppendRequest, position: number): unknown[] {
  const [write] = writes;
  const [event] = write?.events ?? [];
  if (!write || !event) throw new Error('a request of the bench writes one event');
  return [
    position,
    write.stream,
    0,
    event.id,
    event.id,
    event.type,
    event.schemaVersion,
    event.effectiveAt,
    event.effectiveAt,
    event.correlationId,
    event.causationId,
    event.actor,
    event.ownerId,
    JSON.stringify(event.reads),
    JSON.stringify(event.data),
  ];
}

function poolIn(connectionString: string, schema: string, max: number): Pool {
  const pool = new Pool({ connectionString, max, options: `-c search_path=${schema}` });
  // `end` does not wait for the connections to be gone; the server's stop then ends them.
  pool.on('error', () => undefined);
  return pool;
}
