import type { EventLog, RecordedEvent } from '../contract.js';

const PAGE = 2_000;

export interface ReadTogether {
  /** Whether what an event follows from has been taken; asked at the first event of each request. */
  mayCome(event: RecordedEvent): boolean;
  take(event: RecordedEvent): void;
  /** After every page: positions read so far, and to read in all. */
  onPage?(read: number, of: number): void;
}

interface Cursor {
  readonly log: EventLog;
  until: number;
  page: readonly RecordedEvent[];
  next: number;
  /** The last position looked at. */
  through: number;
}

/**
 * Reads several logs from their beginnings to where they stand, in one order that keeps each log's own and never takes an
 * event before what it follows from in another log. Requests stay in one piece. Gives the last position of each log. An
 * event whose cause is nowhere to be found is taken all the same, when nothing else is left: whoever checks will see it.
 */
export async function readTogether(logs: readonly EventLog[], reader: ReadTogether): Promise<readonly number[]> {
  const cursors: Cursor[] = [];
  // The first log's head last: what the others follow from there is in it by then.
  for (const log of logs.toReversed()) {
    cursors.unshift({ log, until: await log.head(), page: [], next: 0, through: 0 });
  }
  const onPage = () => {
    const sum = (of: (cursor: Cursor) => number) => cursors.reduce((total, cursor) => total + of(cursor), 0);
    reader.onPage?.(
      sum(({ through, until }) => Math.min(through, until)),
      sum(({ until }) => until),
    );
  };
  for (;;) {
    let hasMoved = false;
    for (const cursor of cursors) hasMoved = (await drain(cursor, reader, onPage)) || hasMoved;
    if (hasMoved) continue;
    const [blocked] = cursors.filter((cursor) => !isAtEnd(cursor));
    if (!blocked) return cursors.map(({ until }) => until);
    if (await prolonged(cursors.filter(isAtEnd))) continue;
    takeRequest(blocked, reader);
  }
}

/** Takes what may come. False where nothing did. */
async function drain(cursor: Cursor, reader: ReadTogether, onPage: () => void): Promise<boolean> {
  let hasMoved = false;
  while (!isAtEnd(cursor)) {
    const event = cursor.page[cursor.next];
    if (!event) {
      await turnPage(cursor);
      onPage();
    } else if (reader.mayCome(event)) {
      takeRequest(cursor, reader);
      hasMoved = true;
    } else return hasMoved;
  }
  return hasMoved;
}

async function turnPage(cursor: Cursor): Promise<void> {
  const { events, through } = await cursor.log.readLog({ after: cursor.through, limit: PAGE });
  if (through <= cursor.through) throw new Error(`log ${cursor.log.log} ends before its head ${cursor.until}`);
  Object.assign(cursor, { page: events, next: 0, through });
}

/** A page never cuts a request. */
function takeRequest(cursor: Cursor, { take }: ReadTogether): void {
  const { page } = cursor;
  const requestId = page[cursor.next]?.requestId;
  for (let event = page[cursor.next]; event?.requestId === requestId && event; event = page[cursor.next]) {
    take(event);
    cursor.next += 1;
  }
}

function isAtEnd({ page, next, through, until }: Cursor): boolean {
  const event = page[next];
  return event ? event.position > until : through >= until;
}

/** What a blocked event waits for was recorded after its log was to end: read on to where that stands now. */
async function prolonged(cursors: readonly Cursor[]): Promise<boolean> {
  let hasGrown = false;
  for (const cursor of cursors) {
    const head = await cursor.log.head();
    hasGrown ||= head > cursor.until;
    cursor.until = head;
  }
  return hasGrown;
}
