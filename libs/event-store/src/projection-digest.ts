import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { Projection } from './projection.js';

const ROWS_AT_ONCE = 5_000;

/**
 * SHA-256 (hex) over all rows of a projection's tables in the schema of the search path: each table's name, then its
 * rows as PostgreSQL writes a record, ordered by primary key. For a transaction of the caller's, so that what else is read there belongs to
 * it (REPEATABLE READ). Sets the output format for that transaction: the same rows give the same digest from any session.
 */
export async function projectionDigest(client: PoolClient, projection: Projection): Promise<string> {
  await client.query(
    `set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'iso_8601';
     set local bytea_output = 'hex'; set local extra_float_digits = 1`,
  );
  const hash = createHash('sha256');
  for (const table of projection.tables) {
    hash.update(`${table}\0`);
    const columns = await primaryKey(client, table);
    const name = client.escapeIdentifier(table);
    const order =
      columns.length > 0 ? columns.map((column) => orderBy(client, column)).join(', ') : 't::text collate "C"';
    await client.query(
      `declare digest_rows no scroll cursor for select t::text as line from ${name} t order by ${order}`,
    );
    for (;;) {
      const { rows } = await client.query<{ line: string }>(`fetch ${ROWS_AT_ONCE} from digest_rows`);
      for (const { line } of rows) hash.update(line).update('\n');
      if (rows.length < ROWS_AT_ONCE) break;
    }
    await client.query('close digest_rows');
  }
  return hash.digest('hex');
}

interface KeyColumn {
  readonly name: string;
  readonly collatable: boolean;
}

/** Bytes order texts, so that two databases agree. */
function orderBy(client: PoolClient, { name, collatable }: KeyColumn): string {
  return `t.${client.escapeIdentifier(name)}${collatable ? ' collate "C"' : ''}`;
}

async function primaryKey(client: PoolClient, table: string): Promise<KeyColumn[]> {
  const { rows } = await client.query<KeyColumn>(
    `select a.attname as name, a.attcollation <> 0 as collatable
       from pg_index i
       cross join unnest(i.indkey::smallint[]) with ordinality as k (number, n)
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
      where i.indrelid = to_regclass($1) and i.indisprimary
      order by k.n`,
    [client.escapeIdentifier(table)],
  );
  return rows;
}
