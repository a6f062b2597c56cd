import { inTransaction, recordedColumns } from '@tsunagu/event-store';
import type { Pool, PoolClient } from 'pg';
import { TreeStore } from '../tree-store.js';
import type { ExportLine } from './format.js';

const ROWS_AT_ONCE = 1_000;

export interface ImportTarget {
  readonly log: number;
  /** Where the log's events will lie, and where its tree will: both as the schema's owner, both empty. */
  readonly events: Pool;
  readonly tree: Pool;
  readonly progress?: (events: number, of: number) => void;
}

/** The store that an export is to be read into is not empty. */
export class StoreNotEmpty extends Error {
  override readonly name = 'StoreNotEmpty';
}

/**
 * Puts an export into an empty store: every row as it was recorded, the tree and its heads; the tree is there before the events
 * are. Nothing is checked here: whoever calls has audited the export. Read models are not in an export, they are folded
 * from the events. Returns the number of events. Rejects with StoreNotEmpty.
 */
export async function importLog(lines: AsyncIterable<ExportLine>, target: ImportTarget): Promise<number> {
  return inTransaction(target.events, (events) =>
    inTransaction(target.tree, (tree) => fill(lines, target, events, tree)),
  );
}

async function fill(
  lines: AsyncIterable<ExportLine>,
  { log, tree: treePool, progress }: ImportTarget,
  events: PoolClient,
  tree: PoolClient,
): Promise<number> {
  const store = new TreeStore(treePool, log);
  for (const client of [events, tree])
    await client.query(`set local statement_timeout = 0; set local timezone = 'UTC'`);
  if ((await isFilled(events, EVENTS_FILLED)) || (await isFilled(tree, TREE_FILLED, [log])))
    throw new StoreNotEmpty(`log ${log} holds something already`);
  let leaves: string[] = [];
  let count = 0;
  let of = 0;
  const write = async () => {
    if (leaves.length > 0) await insertEvents(events, leaves);
    count += leaves.length;
    leaves = [];
    progress?.(count, of);
  };
  for await (const line of lines) {
    if (line.kind === 'header') of = line.header.position;
    else if (line.kind === 'event') leaves.push(line.leaf);
    else if (line.kind === 'hashes') await store.append(tree, [line.run]);
    else if (line.kind === 'head') await store.addHead(tree, line.head);
    if (leaves.length >= ROWS_AT_ONCE) await write();
  }
  await write();
  await events.query(MOVE_HEAD);
  return count;
}

const MOVE_HEAD = `update log_head
   set (position, recorded_at) = (select e.position, e.recorded_at from events e order by e.position desc limit 1)
 where exists (select from events)`;

const EVENTS_FILLED = `select exists (select from events) or (select position from log_head for update) > 0 as filled`;
const TREE_FILLED = `select exists (select from log_tree_runs where log = $1)
                         or exists (select from log_heads where log = $1) as filled`;

async function isFilled(client: PoolClient, query: string, values: readonly unknown[] = []): Promise<boolean> {
  const { rows } = await client.query<{ filled: boolean }>(query, [...values]);
  return rows[0]?.filled !== false;
}

/** The members of a leaf are the columns, JSON and times as text. */
const INSERT = `insert into events (${recordedColumns.join(', ')})
  select ${recordedColumns.join(', ')} from unnest(
    $1::text[], $2::uuid[], $3::text[], $4::json[], $5::timestamptz[], $6::uuid[], $7::text[], $8::bigint[], $9::json[],
    $10::timestamptz[], $11::uuid[], $12::integer[], $13::integer[], $14::text[], $15::text[]) as leaf (${recordedColumns.join(', ')})`;

async function insertEvents(client: PoolClient, leaves: readonly string[]): Promise<void> {
  const rows = leaves.map((leaf) => JSON.parse(leaf) as Record<string, unknown>);
  await client.query(
    INSERT,
    recordedColumns.map((column) => rows.map((row) => row[column] ?? null)),
  );
}
