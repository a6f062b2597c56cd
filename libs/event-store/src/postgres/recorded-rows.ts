import type { Pool, PoolClient } from 'pg';
import { asText } from './rows.js';

/** Every column of the table of events, in the order of their names: what a RecordedRow holds. */
export const recordedColumns = [
  'actor',
  'causation_id',
  'correlation_id',
  'data',
  'effective_at',
  'event_id',
  'owner_id',
  'position',
  'reads',
  'recorded_at',
  'request_id',
  'revision',
  'schema_version',
  'stream',
  'type',
] as const;

/**
 * An event's row as it was recorded: each column as PostgreSQL's text, JSON as it was written, times in UTC with up to six
 * digits after the second. Nothing is upcast or parsed.
 */
export type RecordedRow = readonly [
  actor: string,
  causationId: string | null,
  correlationId: string,
  data: string,
  effectiveAt: string,
  eventId: string,
  ownerId: string | null,
  position: string,
  reads: string | null,
  recordedAt: string,
  requestId: string,
  revision: string,
  schemaVersion: string,
  stream: string,
  type: string,
];

/** A log whose rows can be read as they were recorded, for those who prove that nothing has changed. */
export interface RecordedRows {
  readonly log: number;
  head(): Promise<number>;
  waitForAppend(after: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  /** The visible rows after a position, at most `limit`. */
  readRows(query: { after: number; limit: number }): Promise<readonly RecordedRow[]>;
}

/** A select list in the order of RecordedRow, over events as `e`. */
export const recordedColumnList = recordedColumns
  .map((column) => (column.endsWith('_at') ? `e.${column} at time zone 'UTC'` : `e.${column}`))
  .join(', ');

const READ_RECORDED = `select ${recordedColumnList}
  from events e
 where e.position > $1 and e.position <= (select h.position from log_head h)
 order by e.position limit $2`;

/** Not a named statement: a plan made while the table was young would read all of it later. */
export async function readRows(
  pool: Pool | PoolClient,
  { after, limit }: { after: number; limit: number },
): Promise<readonly RecordedRow[]> {
  const values = [after, limit];
  const { rows } = await pool.query({
    text: READ_RECORDED,
    values,
    rowMode: 'array',
    types: asText,
  });
  return rows as unknown as RecordedRow[];
}
