import type { RecordedEvent } from '../contract.js';

/** Every value as the server's text: what needs a conversion gets it in `toEvent`, once. */
export const asText = { getTypeParser: () => (value: string) => value };

/** The columns of an event in the order of EventRow; times as UTC text, whatever the session's time zone. */
export const eventColumns = `e.position, e.stream, e.revision, e.event_id, e.request_id, e.type, e.schema_version,
       e.effective_at at time zone 'UTC', e.recorded_at at time zone 'UTC', e.correlation_id, e.causation_id, e.actor,
       e.owner_id, e.reads, e.data`;

export type EventRow = [
  position: string,
  stream: string,
  revision: string,
  eventId: string,
  requestId: string,
  type: string,
  schemaVersion: string,
  effectiveAt: string,
  recordedAt: string,
  correlationId: string,
  causationId: string | null,
  actor: string,
  ownerId: string | null,
  reads: string | null,
  data: string,
  /** Where the read has come to, the same in every row. */
  through: string,
];

/** What the left join gives where no event matches. */
export type NoEventRow = [null, ...null[]] & { 15: string };

export function isEventRow(row: EventRow | NoEventRow): row is EventRow {
  return row[0] !== null;
}

export function toEvent(log: number, row: EventRow): RecordedEvent {
  const event = {
    log,
    position: +row[0],
    stream: row[1],
    revision: +row[2],
    requestId: row[4],
    recordedAt: isoText(row[8]),
    id: row[3],
    type: row[5],
    schemaVersion: +row[6],
    effectiveAt: isoText(row[7]),
    correlationId: row[9],
    causationId: row[10],
    actor: row[11],
    ownerId: row[12],
    data: JSON.parse(row[14]),
  };
  return row[13] === null ? event : { ...event, reads: JSON.parse(row[13]) };
}

/** `2026-11-05 03:04:05.1`, as PostgreSQL writes it without trailing zeros → `2026-11-05T03:04:05.100Z`. */
function isoText(text: string): string {
  const time = text.length === 19 ? `${text}.000` : text.padEnd(23, '0');
  return `${time.slice(0, 10)}T${time.slice(11)}Z`;
}
