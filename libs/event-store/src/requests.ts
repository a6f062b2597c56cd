import { type EventVersions, isId, RecentMap } from '@tsunagu/kernel';
import { type AppendRequest, type NewEvent, StoreError } from './contract.js';

/** A request that may be recorded: everything a database could refuse has been looked at. */
export interface CheckedRequest {
  readonly requestId: string;
  readonly writes: readonly CheckedWrite[];
  readonly eventCount: number;
}

export interface CheckedWrite {
  readonly stream: string;
  /** −1 for `noStream`, and for a caller's −1, which says the same. */
  readonly expectedRevision: number;
  readonly events: readonly CheckedEvent[];
}

export interface CheckedEvent {
  readonly event: NewEvent;
  readonly schemaVersion: number;
  /** The event's data and reads as JSON text. */
  readonly data: string;
  readonly reads: string;
}

const STREAM_LENGTH_MAX = 500;
const TEXT_LENGTH_MAX = 500;
const REVISION_MAX = 2 ** 31 - 1;
const REQUEST_EVENTS_MAX = 10_000;
const DATA_LENGTH_MAX = 1_000_000;
// PostgreSQL knows no year 0.
const TIME = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;
// What JSON.stringify escapes and PostgreSQL cannot hold: U+0000 and halves of a surrogate pair.
const UNSTORABLE_ESCAPE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/**
 * Throws StoreError `store.invalid_request` for a request that could never be recorded. A request without an id gets
 * that of its first event: as unique, and the same at every repetition. An event is recorded in the newest version of its
 * type that `versions` knows, and in no other.
 */
export function checkRequest(request: AppendRequest, versions?: EventVersions): CheckedRequest {
  if (request.writes.length === 0) throw invalid('the request writes nothing');
  const writes = request.writes.map((write) => checkWrite(write, versions));
  let eventCount = 0;
  for (const write of writes) eventCount += write.events.length;
  if (eventCount > REQUEST_EVENTS_MAX) throw invalid(`more than ${REQUEST_EVENTS_MAX} events in a request`);
  if (writes.length > 1 && new Set(writes.map((write) => write.stream)).size < writes.length) {
    throw invalid('the request names a stream twice');
  }
  if (eventCount > 1) {
    const ids = new Set<string>();
    for (const write of writes) for (const { event } of write.events) ids.add(event.id);
    if (ids.size < eventCount) throw invalid('the request uses an event id twice');
  }
  const requestId = request.requestId ?? writes[0]?.events[0]?.event.id;
  if (!isId(requestId)) throw invalid(`requestId is not a UUID: ${requestId}`);
  return { requestId, writes, eventCount };
}

function checkWrite(write: AppendRequest['writes'][number], versions?: EventVersions): CheckedWrite {
  if (write.stream === '' || write.stream.length > STREAM_LENGTH_MAX || !isPlainText(write.stream)) {
    throw invalid(`not a stream name: ${JSON.stringify(write.stream).slice(0, 100)}`);
  }
  if (write.events.length === 0) throw invalid(`the request writes nothing to ${write.stream}`);
  const expectedRevision = write.expectedRevision === 'noStream' ? -1 : write.expectedRevision;
  if (!isRevision(expectedRevision, -1)) {
    throw invalid(`not an expected revision of ${write.stream}: ${write.expectedRevision}`);
  }
  if (expectedRevision + write.events.length > REVISION_MAX) throw invalid(`${write.stream} would be too long`);
  return { stream: write.stream, expectedRevision, events: write.events.map((event) => checkEvent(event, versions)) };
}

function checkEvent(event: NewEvent, versions: EventVersions | undefined): CheckedEvent {
  if (!isId(event.id)) throw invalid(`not an event id: ${event.id}`);
  if (event.causationId !== null && !isId(event.causationId)) throw invalid('causationId is not a UUID');
  if (!isName(event.type)) throw invalid('not an event type');
  if (!isId(event.correlationId) && !isName(event.correlationId)) throw invalid(`${event.type}: not a correlationId`);
  if (!isName(event.actor)) throw invalid(`${event.type}: not an actor`);
  if (event.ownerId !== null && !isName(event.ownerId)) throw invalid(`${event.type}: not an ownerId`);
  const newest = versions?.newest(event.type);
  const schemaVersion = event.schemaVersion ?? newest ?? 1;
  if (!isRevision(schemaVersion, 1)) throw invalid(`${event.type}: not a schemaVersion`);
  if (newest !== undefined && schemaVersion !== newest) {
    throw invalid(`${event.type}: recorded in version ${newest} now, not in version ${schemaVersion}`);
  }
  if (!isTime(event.effectiveAt)) throw invalid(`${event.type}: effectiveAt is not a UTC time with milliseconds`);
  const reads = event.reads ? json(event.reads, event.type) : '';
  return { event, schemaVersion, data: json(event.data, event.type), reads };
}

function json(value: unknown, type: string): string {
  const text = stringified(value);
  if (text === undefined) throw invalid(`${type}: the data is not JSON`);
  if (text.length > DATA_LENGTH_MAX) throw invalid(`${type}: more than ${DATA_LENGTH_MAX} characters of data`);
  if (text.includes('\\u') && UNSTORABLE_ESCAPE.test(text)) {
    throw invalid(`${type}: the data holds an unstorable character`);
  }
  return text;
}

/** Undefined for what JSON cannot say: a function, a bigint, a circle. */
function stringified(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** Names that were found good lately: types, actors and owners come again and again. */
const goodNames = new RecentMap<string, true>(1_000);

function isName(text: string): boolean {
  if (goodNames.get(text)) return true;
  if (typeof text !== 'string' || text === '' || text.length > TEXT_LENGTH_MAX || !isPlainText(text)) return false;
  goodNames.set(text, true);
  return true;
}

function isPlainText(text: string): boolean {
  return !CONTROL.test(text) && text.isWellFormed();
}

function isRevision(value: number, least: number): boolean {
  return Number.isInteger(value) && value >= least && value <= REVISION_MAX;
}

let lastTime = '';

/**
 * The events of a batch mostly have one time. A day that its month has not, and the hour 24, are to Date a moment of a later
 * day: PostgreSQL refuses the one and moves the other.
 */
function isTime(text: string): boolean {
  if (text === lastTime) return true;
  if (!TIME.test(text) || new Date(text).getUTCDate() !== Number(text.slice(8, 10))) return false;
  lastTime = text;
  return true;
}

function invalid(message: string): StoreError {
  return new StoreError('store.invalid_request', message);
}
