import { randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { EventLog, RecordedEvent } from './contract.js';
import type { Projection } from './projection.js';
import { projectionDigest } from './projection-digest.js';

const BATCH_EVENTS = 5_000;
/** Projections folded at the same moment, each over a connection. */
const AT_ONCE = 2;

export interface ProjectionVerified {
  readonly name: string;
  /** The checkpoints at which the two were compared, by log. */
  readonly positions: ReadonlyMap<number, number>;
  /** Digests of the tables as they stand and of a fresh fold of the log up to the same position. */
  readonly live: string;
  readonly fresh: string;
  readonly equal: boolean;
}

interface Whose {
  /** May create schemas in the database; two of its connections are used at a time. */
  readonly ownerPool: Pool;
  /** The service's. */
  readonly schema: string;
  readonly logs: readonly EventLog[];
  /** Told after each batch how far the fold of a log is, and how far it has to go. */
  onBatch?(position: number, of: number): void;
}

/** A projection as it stood at one moment. */
interface Standing {
  readonly projection: Projection;
  readonly positions: ReadonlyMap<number, number>;
  readonly live: string;
}

/**
 * Invariant I7: folds the logs again into a scratch schema, each projection up to its own checkpoints, and compares digests.
 * Each log is read once for all of them. The scratch schema is dropped at the end.
 */
export async function verifyProjections(
  options: Whose & { readonly projections: readonly Projection[] },
): Promise<readonly ProjectionVerified[]> {
  const { ownerPool, schema, logs, projections, onBatch } = options;
  const clients: PoolClient[] = [];
  const scratch = `verify_${randomBytes(8).toString('hex')}`;
  try {
    while (clients.length < Math.min(AT_ONCE, projections.length)) clients.push(await ownerPool.connect());
    const [client] = clients;
    if (!client) return [];
    const standing = await withEach(clients, projections, (client, each) => asItStands(client, schema, each));
    await createTables(client, scratch, schema, projections);
    for (const log of logs) await fold(clients, scratch, log, standing, onBatch);
    return await withEach(clients, standing, async (client, { projection, positions, live }) => {
      const fresh = await inSchema(client, scratch, () => projectionDigest(client, projection));
      return { name: projection.name, positions, live, fresh, equal: live === fresh };
    });
  } finally {
    for (const client of clients) client.release();
    await ownerPool.query(`drop schema if exists ${scratch} cascade`);
  }
}

/** The same of one projection. */
export async function verifyProjection({
  projection,
  ...whose
}: Whose & { readonly projection: Projection }): Promise<ProjectionVerified> {
  const [verified] = await verifyProjections({ ...whose, projections: [projection] });
  if (!verified) throw new Error('a projection was not verified');
  return verified;
}

/** Checkpoints and digest of one moment. */
async function asItStands(client: PoolClient, schema: string, projection: Projection): Promise<Standing> {
  return inSchema(client, schema, async () => {
    const select = 'select log, position from projection_checkpoints where name = $1';
    const { rows } = await client.query<{ log: number; position: string }>(select, [projection.name]);
    const positions = new Map(rows.map(({ log, position }) => [log, Number(position)]));
    return { projection, positions, live: await projectionDigest(client, projection) };
  });
}

async function createTables(
  client: PoolClient,
  scratch: string,
  schema: string,
  projections: readonly Projection[],
): Promise<void> {
  await client.query(`create schema ${scratch}`);
  const real = client.escapeIdentifier(schema);
  for (const table of projections.flatMap(({ tables }) => tables).map((name) => client.escapeIdentifier(name)))
    await client.query(`create table ${scratch}.${table} (like ${real}.${table} including all)`);
}

/**
 * A commit a batch and projection: a transaction as long as the whole fold would keep the server from clearing away old
 * rows. The next batch is read while one is folded.
 */
async function fold(
  clients: readonly PoolClient[],
  scratch: string,
  log: EventLog,
  standing: readonly Standing[],
  onBatch: (position: number, of: number) => void = () => {},
): Promise<void> {
  const folds = standing.map(({ projection, positions }) => ({ projection, last: positions.get(log.log) ?? 0 }));
  const last = Math.max(0, ...folds.map((each) => each.last));
  if (last === 0) return;
  const types = folds.some(({ projection }) => projection.types === undefined)
    ? undefined
    : [...new Set(folds.flatMap(({ projection }) => projection.types ?? []))];
  const read = (after: number) => {
    const slice = log.readLog({ after, limit: BATCH_EVENTS, ...(types ? { types } : {}) });
    slice.catch(() => undefined);
    return slice;
  };
  let after = 0;
  for (let next = read(after); after < last; ) {
    const { events, through } = await next;
    if (through <= after) {
      const names = folds.filter((each) => each.last > after).map(({ projection }) => projection.name);
      throw new Error(`the log ends at ${after}, before the checkpoint of ${names.join(', ')}`);
    }
    after = through;
    if (after < last) next = read(after);
    await withEach(clients, folds, async (client, { projection, last: ownLast }) => {
      const own = eventsOf(projection, events, ownLast);
      if (own.length > 0) await inSchema(client, scratch, () => projection.apply(client, own), 'read committed');
    });
    onBatch(Math.min(after, last), last);
  }
}

function eventsOf({ types }: Projection, events: readonly RecordedEvent[], last: number): readonly RecordedEvent[] {
  return events.filter(({ position, type }) => position <= last && (types === undefined || types.includes(type)));
}

/** Work on each item, at the same time as many as there are connections; what it gives, in the items' order. */
async function withEach<T, R>(
  clients: readonly PoolClient[],
  items: readonly T[],
  work: (client: PoolClient, item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const line = async (client: PoolClient) => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(client, items[index] as T);
  };
  // All lines end before anybody goes on: a connection in use is not given back.
  const ended = await Promise.allSettled(clients.map(line));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  return results;
}

async function inSchema<T>(
  client: PoolClient,
  schema: string,
  work: () => Promise<T>,
  isolation: 'repeatable read' | 'read committed' = 'repeatable read',
): Promise<T> {
  await client.query(`begin isolation level ${isolation}`);
  try {
    await client.query(`set local search_path = ${client.escapeIdentifier(schema)}`);
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
