import type { RecordedRow } from '@tsunagu/event-store';

/**
 * The leaf of an event: the UTF-8 bytes of one JSON object in canonical form (RFC 8785), of all columns of the event's row
 * as recorded, named as in the database and in the order of their names. docs/tamper-evidence.md describes it byte by byte.
 * `data` and `reads` are strings that hold the recorded JSON text, so that not even a space in it can change unseen.
 */
export function leafOf(row: RecordedRow): string {
  return (
    `{"actor":${quoted(row[0])},"causation_id":${quoted(row[1])},"correlation_id":${quoted(row[2])},` +
    `"data":${quoted(row[3])},"effective_at":${quoted(instant(row[4]))},"event_id":${quoted(row[5])},` +
    `"owner_id":${quoted(row[6])},"position":${row[7]},"reads":${quoted(row[8])},` +
    `"recorded_at":${quoted(instant(row[9]))},"request_id":${quoted(row[10])},"revision":${row[11]},` +
    `"schema_version":${row[12]},"stream":${quoted(row[13])},"type":${quoted(row[14])}}`
  );
}

/** The position that a leaf names: undefined for a text that is no leaf. */
export function positionOfLeaf(leaf: string): number | undefined {
  const found = POSITION.exec(leaf);
  return found ? Number(found[2]) : undefined;
}

/** What the leaf of the same event would be at another position. */
export function leafAt(leaf: string, position: number): string {
  return leaf.replace(POSITION, (_, before: string) => `${before}${position}`);
}

/**
 * Inside a string every quotation mark stands behind a backslash, and before `position` stands only `owner_id`'s value: so
 * this finds the member and nothing that a value holds.
 */
const POSITION = /("owner_id":(?:null|"(?:[^"\\]|\\.)*"),"position":)(-?\d+)(?=,"reads":)/;

/** JSON.stringify writes a string as RFC 8785 §3.2.2.2 wants it. */
function quoted(text: string | null): string {
  return text === null ? 'null' : JSON.stringify(text);
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?$/;

/** PostgreSQL's `2026-11-05 03:04:05.1` → `2026-11-05T03:04:05.100000Z`; what is written otherwise (`infinity`) stays. */
function instant(text: string): string {
  const [, day, time, fraction = ''] = TIMESTAMP.exec(text) ?? [];
  return day === undefined ? text : `${day}T${time}.${fraction.padEnd(6, '0')}Z`;
}
