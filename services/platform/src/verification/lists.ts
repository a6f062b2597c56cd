import type { DataOf } from '@tsunagu/contracts';
import {
  contentHasher,
  foldList,
  type GrantOrder,
  type ListGrant,
  ListTables,
  listCauseId,
  listOrder,
} from '@tsunagu/point-ledger';
import type { Finding } from './finding.js';
import type { Read, Seen } from './kept.js';
import type { Spill } from './spill.js';
import type { Store } from './stores.js';

type Answer = Pick<DataOf<'PointsGranted'>, 'personId' | 'attempt'> & { readonly batchId?: string | null };

interface ListSeen {
  readonly list: ListGrant;
  readonly last: Read;
  /** Rows of finished stages without a decision, and grants that stand: of the persons looked at so far. */
  undecided: number;
  standing: number;
}

/** A row as it stands in the table now; due where a finished stage went through it. */
export type ListRow = readonly [listId: string, personId: string, amountPoints: number, isDue: boolean];

/** What lists promise to the persons of one bucket. */
export interface ListPersons {
  takeLedger(event: Seen): void;
  /** The order that an answer of the ledger was decided on; undefined where no list gave it. */
  orderOf(answer: Seen): GrantOrder | undefined;
  /** When all events of these persons are taken. */
  end(): void;
}

const ROWS_AT_ONCE = 10_000;

/** What lists promise: a grant by list is one of its rows, every row of a granted stage has its decision, a recalled list no grant. */
export function checkLists(found: (finding: Finding) => void): {
  /** The ledger's events in order: keeps those of the lists themselves. */
  take(event: Read): void;
  /** Reads the rows of the lists seen once, and puts each aside with its person. */
  load(ledger: Store, rows: Spill<ListRow>): Promise<void>;
  /** Persons with all of their rows. */
  persons(rows: Iterable<ListRow>): ListPersons;
  /** When all persons were looked at. */
  end(): void;
  readonly counts: { readonly lists: number; readonly rows: number };
} {
  const streams = new Map<string, Read[]>();
  const lists = new Map<string, ListSeen>();
  let rowCount = 0;

  return {
    take(event) {
      if (!event.stream.startsWith('listGrant-')) return;
      const known = streams.get(event.stream);
      if (known) known.push(event);
      else streams.set(event.stream, [event]);
    },
    async load({ pool }, spill) {
      const tables = new ListTables(pool);
      for (const events of streams.values()) {
        const list = foldList(events);
        const last = events.at(-1);
        if (!list?.release || !list.content || !last) continue;
        lists.set(list.listId, { list, last, undecided: 0, standing: 0 });
        const { uploadId, contentHash, rowCount: expectedRows } = list.content;
        const granted = list.stages.filter(({ state }) => state === 'granted');
        const hasher = contentHasher();
        for (let after = 0; ; ) {
          const rows = await tables.rows(uploadId, after, expectedRows, ROWS_AT_ONCE);
          for (const row of rows) {
            hasher.add(row);
            const { rowNumber, personId, amountPoints } = row;
            const isDue = granted.some(({ firstRow, lastRow }) => firstRow <= rowNumber && rowNumber <= lastRow);
            spill.add(spill.bucketOf(personId), [list.listId, personId, amountPoints, isDue]);
          }
          rowCount += rows.length;
          const lastRow = rows.at(-1);
          if (!lastRow) break;
          after = lastRow.rowNumber;
        }
        if (hasher.digest() !== contentHash)
          found(at('I6', last, `the rows of list ${list.listId} are not those that were validated`));
      }
    },
    persons: (rows) => checkPersons(lists, rows),
    end() {
      for (const { list, last, undecided, standing } of lists.values()) {
        if (list.state === 'recalled' && standing > 0)
          found(at('I2', last, `list ${list.listId} was recalled and ${standing} of its grants stand`));
        if (undecided > 0)
          found(at('I2', last, `list ${list.listId}: ${undecided} rows of its granted stages were never decided`));
      }
    },
    get counts() {
      return { lists: lists.size, rows: rowCount };
    },
  };
}

function checkPersons(lists: ReadonlyMap<string, ListSeen>, rows: Iterable<ListRow>): ListPersons {
  const amounts = new Map<string, number>();
  const due = new Set<string>();
  for (const [listId, personId, amountPoints, isDue] of rows) {
    const place = placeOn(listId, personId);
    amounts.set(place, amountPoints);
    if (isDue) due.add(place);
  }
  const decided = new Set<string>();
  /** Granted and not reversed. */
  const standing = new Map<string, ListSeen>();
  return {
    takeLedger({ type, data }) {
      const { batchId, personId } = data as unknown as Answer;
      const seen = batchId ? lists.get(batchId) : undefined;
      if (!batchId || !seen) return;
      const place = placeOn(batchId, personId);
      if (type === 'PointsGranted' || type === 'GrantRefused') decided.add(place);
      if (type === 'PointsGranted') standing.set(place, seen);
      if (type === 'GrantReversed') standing.delete(place);
    },
    orderOf(answer) {
      const { batchId, personId, attempt } = answer.data as unknown as Answer;
      const seen = batchId ? lists.get(batchId) : undefined;
      if (!batchId || !seen) return undefined;
      const amountPoints = amounts.get(placeOn(batchId, personId));
      const { listId, campaignId, measureId, programmeId, release } = seen.list;
      if (!release || amountPoints === undefined || answer.causationId !== listCauseId(listId, personId, attempt))
        return undefined;
      return listOrder({ listId, campaignId, measureId, programmeId, release }, { personId, amountPoints }, attempt);
    },
    end() {
      for (const place of due) {
        const seen = lists.get(listOf(place));
        if (seen && !decided.has(place)) seen.undecided += 1;
      }
      for (const seen of standing.values()) seen.standing += 1;
    },
  };
}

function placeOn(listId: string, personId: string): string {
  return `${listId} ${personId}`;
}

function listOf(place: string): string {
  return place.slice(0, place.indexOf(' '));
}

function at(invariant: string, event: Read, detail: string): Finding {
  return { invariant, service: 'point-ledger', position: event.position, eventId: event.id, detail };
}
