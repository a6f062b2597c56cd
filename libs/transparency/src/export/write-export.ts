import { asText, type RecordedRow, recordedColumnList } from '@tsunagu/event-store';
import type { Pool, PoolClient } from 'pg';
import { leafOf } from '../leaf.js';
import type { Run } from '../tiles.js';
import type { Head } from '../tree-store.js';
import { type ExportLine, HASHES_AHEAD, lineText } from './format.js';

const ROWS_AT_ONCE = 1_000;
const RUNS_AT_ONCE = 100;

export interface ExportSource {
  readonly service: string;
  readonly log: number;
  /** Where the log's events lie, and where its tree does. Both are only read. */
  readonly events: Pool;
  readonly tree: Pool;
  readonly exportedAt: string;
  /** Told now and then how many events are written, and how many the log has. */
  readonly progress?: (events: number, of: number) => void;
}

/**
 * The text of an export, piece by piece, as of one moment: all rows of the table of events, also such as should not be there,
 * with the stored tree and its heads as they stand. Nothing is checked here; that is the audit's. Memory does not grow.
 */
export async function* exportLog(source: ExportSource): AsyncGenerator<string> {
  const tree = await openSnapshot(source.tree);
  try {
    // The tree's moment first: the events' is later, so that every leaf has its event.
    await tree.query('select from log_heads limit 1');
    const events = await openSnapshot(source.events);
    try {
      yield* lines(source, events, tree);
    } finally {
      await closeSnapshot(events);
    }
  } finally {
    await closeSnapshot(tree);
  }
}

async function* lines(source: ExportSource, events: PoolClient, tree: PoolClient): AsyncGenerator<string> {
  const { service, log, exportedAt, progress } = source;
  const position = await one(events, 'select position as value from log_head', []);
  const leaves = await one(tree, LEAVES, [log]);
  let text = lineText({ kind: 'header', header: { service, log, position, leaves, exportedAt } });
  const runs = new Ahead(cursor<RunRow>(tree, 'runs', `${RUNS} where log = ${Number(log)} ${RUN_ORDER}`, RUNS_AT_ONCE));
  const heads = new Ahead(
    cursor<HeadRow>(tree, 'heads', `${HEADS} where log = ${Number(log)} order by size`, ROWS_AT_ONCE),
  );
  let eventCount = 0;
  let headCount = 0;
  const write = (line: ExportLine) => {
    text += lineText(line);
  };
  const writeRuns = async (upTo: number) => {
    for (
      let run = await runs.next((row) => startOf(row) < upTo);
      run;
      run = await runs.next((row) => startOf(row) < upTo)
    ) {
      write({ kind: 'hashes', run: toRun(run) });
    }
  };
  const writeHeads = async (upTo: number) => {
    for (
      let head = await heads.next((row) => Number(row.size) <= upTo);
      head;
      head = await heads.next((row) => Number(row.size) <= upTo)
    ) {
      await writeRuns(Number(head.size));
      write({ kind: 'head', head: toHead(head) });
      headCount += 1;
    }
  };
  for await (const row of eventRows(events)) {
    const at = Number(row[7]);
    await writeHeads(at - 1);
    await writeRuns(at + HASHES_AHEAD);
    write({ kind: 'event', leaf: leafOf(row) });
    eventCount += 1;
    if (eventCount % ROWS_AT_ONCE === 0) {
      yield text;
      text = '';
      progress?.(eventCount, position);
    }
  }
  await writeRuns(Number.POSITIVE_INFINITY);
  await writeHeads(Number.POSITIVE_INFINITY);
  write({ kind: 'end', events: eventCount, heads: headCount });
  yield text;
}

const LEAVES = `select coalesce(max(first + octet_length(hashes) / 32), 0) as value
  from log_tree_runs where log = $1 and level = 0`;
const RUNS = 'select level, first, hashes from log_tree_runs';
/** By the first leaf that they cover; a bigint would not hold the product of what a vandal writes there. */
const RUN_ORDER = 'order by first * power(2::numeric, level), level';
const HEADS = 'select size, signed_at as "signedAt", note from log_heads';
const EVENTS = `select ${recordedColumnList} from events e order by e.position, e.event_id`;

interface RunRow {
  level: number;
  first: string;
  hashes: Buffer;
}

interface HeadRow {
  size: string;
  signedAt: Date;
  note: string;
}

function startOf({ level, first }: RunRow): number {
  return Number(first) * 2 ** level;
}

function toRun({ level, first, hashes }: RunRow): Run {
  return { level, first: Number(first), hashes };
}

function toHead({ size, signedAt, note }: HeadRow): Head {
  return { size: Number(size), signedAt: signedAt.toISOString(), note };
}

async function* eventRows(client: PoolClient): AsyncGenerator<RecordedRow> {
  await client.query(`declare event_rows no scroll cursor for ${EVENTS}`);
  for (;;) {
    const text = `fetch ${ROWS_AT_ONCE} from event_rows`;
    const { rows } = await client.query({ text, rowMode: 'array', types: asText });
    yield* rows as unknown as RecordedRow[];
    if (rows.length < ROWS_AT_ONCE) return;
  }
}

async function* cursor<R extends object>(
  client: PoolClient,
  name: string,
  query: string,
  atOnce: number,
): AsyncGenerator<R> {
  await client.query(`declare ${name} no scroll cursor for ${query}`);
  for (;;) {
    const { rows } = await client.query<R>(`fetch ${atOnce} from ${name}`);
    yield* rows;
    if (rows.length < atOnce) return;
  }
}

/** Takes rows one at a time while they are wanted; the first that is not stays for later. */
class Ahead<R> {
  private waiting: R | undefined;

  constructor(private readonly rows: AsyncGenerator<R>) {}

  async next(isWanted: (row: R) => boolean): Promise<R | undefined> {
    this.waiting ??= (await this.rows.next()).value as R | undefined;
    if (this.waiting === undefined || !isWanted(this.waiting)) return undefined;
    const row = this.waiting;
    this.waiting = undefined;
    return row;
  }
}

async function openSnapshot(pool: Pool): Promise<PoolClient> {
  const client = await pool.connect();
  const begin = `begin isolation level repeatable read read only;
     set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local bytea_output = 'hex';
     set local statement_timeout = 0`;
  try {
    await client.query(begin);
    return client;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function closeSnapshot(client: PoolClient): Promise<void> {
  await client.query('rollback').then(
    () => client.release(),
    () => client.release(true),
  );
}

async function one(client: PoolClient, query: string, values: unknown[]): Promise<number> {
  const { rows } = await client.query<{ value: string }>(query, values);
  return Number(rows[0]?.value ?? 0);
}
