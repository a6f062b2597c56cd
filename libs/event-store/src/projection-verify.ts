import { randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { EventLog } from './contract.js';
import type { Projection } from './projection.js';
import { projectionDigest } from './projection-digest.js';

const BATCH_EVENTS = 5_000;

export interface ProjectionVerified {
  readonly name: string;
  /** The checkpoints at which the two were compared, by log. */
  readonly positions: ReadonlyMap<number, number>;
  /** Digests of the tables as they stand and of a fresh fold of the log up to the same position. */
  readonly live: string;
  readonly fresh: string;
  readonly equal: boolean;
}

/**
 * Invariant I7: folds the logs again into a scratch schema, up to the projection's checkpoints, and compares digests.
 * `ownerPool` may create schemas in the database; `schema` is the service's. The scratch schema is dropped at the end.
 */
export async function verifyProjection(options: {
  readonly ownerPool: Pool;
  readonly schema: string;
  readonly logs: readonly EventLog[];
  readonly projection: Projection;
  /** Told after each batch how far the fold of a log is, and how far it has to go. */
  onBatch?(position: number, of: number): void;
}): Promise<ProjectionVerified> {
  const { ownerPool, schema, logs, projection, onBatch } = options;
  const client = await ownerPool.connect();
  const scratch = client.escapeIdentifier(`verify_${randomBytes(8).toString('hex')}`);
  const real = client.escapeIdentifier(schema);
  try {
    const { live, positions } = await asItStands(client, real, projection);
    await client.query(`create schema ${scratch}`);
    for (const table of projection.tables) {
      const name = client.escapeIdentifier(table);
      await client.query(`create table ${scratch}.${name} (like ${real}.${name} including all)`);
    }
    for (const log of logs) await fold(client, scratch, log, projection, positions.get(log.log) ?? 0, onBatch);
    const fresh = await inSchema(client, scratch, () => projectionDigest(client, projection));
    return { name: projection.name, positions, live, fresh, equal: live === fresh };
  } finally {
    await client.query(`drop schema if exists ${scratch} cascade`).finally(() => client.release());
  }
}

/** Checkpoints and digest of one moment. */
async function asItStands(client: PoolClient, real: string, projection: Projection) {
  return inSchema(client, real, async () => {
    const select = 'select log, position from projection_checkpoints where name = $1';
    const { rows } = await client.query<{ log: number; position: string }>(select, [projection.name]);
    const positions = new Map(rows.map(({ log, position }) => [log, Number(position)]));
    return { positions, live: await projectionDigest(client, projection) };
  });
}

/** A commit a batch: a transaction as long as the whole fold would keep the server from clearing away old rows. */
async function fold(
  client: PoolClient,
  scratch: string,
  log: EventLog,
  projection: Projection,
  position: number,
  onBatch: (position: number, of: number) => void = () => {},
) {
  let after = 0;
  while (after < position) {
    const query = { after, limit: BATCH_EVENTS };
    const { events, through } = await log.readLog(projection.types ? { ...query, types: projection.types } : query);
    const upTo = events.filter((event) => event.position <= position);
    if (upTo.length > 0) await inSchema(client, scratch, () => projection.apply(client, upTo), 'read committed');
    if (through <= after)
      throw new Error(`the log ends at ${after}, before the checkpoint ${position} of ${projection.name}`);
    after = through;
    onBatch(Math.min(after, position), position);
  }
}

async function inSchema<T>(
  client: PoolClient,
  schema: string,
  work: () => Promise<T>,
  isolation: 'repeatable read' | 'read committed' = 'repeatable read',
): Promise<T> {
  await client.query(`begin isolation level ${isolation}`);
  try {
    await client.query(`set local search_path = ${schema}`);
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
