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
import type { Read } from './scan.js';
import type { Store } from './stores.js';

type Answer = Pick<DataOf<'PointsGranted'>, 'personId' | 'attempt'> & { readonly batchId?: string | null };

interface ListSeen {
  readonly list: ListGrant;
  readonly last: Read;
  /** Points by person, as the rows stand in the table now. */
  readonly rows: Map<string, number>;
  /** People of the rows that a finished stage went through. */
  readonly due: Set<string>;
}

const ROWS_AT_ONCE = 10_000;

/** What lists promise: a grant by list is one of its rows, every row of a granted stage has its decision, a recalled list no grant. */
export function checkLists(): {
  takeLedger(event: Read): void;
  /** Reads the rows of the lists seen. */
  load(ledger: Store): Promise<void>;
  /** The order that an answer of the ledger was decided on; undefined where no list gave it. */
  orderOf(answer: Read): GrantOrder | undefined;
  findings(): Finding[];
  readonly counts: { readonly lists: number; readonly rows: number };
} {
  const streams = new Map<string, Read[]>();
  const decided = new Map<string, Set<string>>();
  /** Granted and not reversed. */
  const standing = new Map<string, Set<string>>();
  const lists = new Map<string, ListSeen>();
  const found: Finding[] = [];
  let rowCount = 0;

  return {
    takeLedger(event) {
      if (event.stream.startsWith('listGrant-')) {
        const known = streams.get(event.stream);
        if (known) known.push(event);
        else streams.set(event.stream, [event]);
      }
      const { batchId, personId } = event.data as unknown as Answer;
      if (!batchId) return;
      if (event.type === 'PointsGranted' || event.type === 'GrantRefused') add(decided, batchId, personId);
      if (event.type === 'PointsGranted') add(standing, batchId, personId);
      if (event.type === 'GrantReversed') standing.get(batchId)?.delete(personId);
    },
    async load({ pool }) {
      const tables = new ListTables(pool);
      for (const events of streams.values()) {
        const list = foldList(events);
        const last = events.at(-1);
        if (!list?.release || !list.content || !last) continue;
        const seen: ListSeen = { list, last, rows: new Map(), due: new Set() };
        lists.set(list.listId, seen);
        const { uploadId, contentHash, rowCount: expectedRows } = list.content;
        const granted = list.stages.filter(({ state }) => state === 'granted');
        const hasher = contentHasher();
        for (let after = 0; ; ) {
          const rows = await tables.rows(uploadId, after, expectedRows, ROWS_AT_ONCE);
          for (const row of rows) {
            hasher.add(row);
            seen.rows.set(row.personId, row.amountPoints);
            if (granted.some(({ firstRow, lastRow }) => firstRow <= row.rowNumber && row.rowNumber <= lastRow))
              seen.due.add(row.personId);
          }
          rowCount += rows.length;
          const lastRow = rows.at(-1);
          if (!lastRow) break;
          after = lastRow.rowNumber;
        }
        if (hasher.digest() !== contentHash)
          found.push(at('I6', last, `the rows of list ${list.listId} are not those that were validated`));
      }
    },
    orderOf(answer) {
      const { batchId, personId, attempt } = answer.data as unknown as Answer;
      const seen = batchId ? lists.get(batchId) : undefined;
      const amountPoints = seen?.rows.get(personId);
      if (!seen || amountPoints === undefined) return undefined;
      const { list } = seen;
      const { listId, campaignId, measureId, programmeId, release } = list;
      if (!release || answer.causationId !== listCauseId(listId, personId, attempt)) return undefined;
      return listOrder({ listId, campaignId, measureId, programmeId, release }, { personId, amountPoints }, attempt);
    },
    findings() {
      const findings = [...found];
      for (const { list, last, due } of lists.values()) {
        const left = due.size - [...due].filter((personId) => decided.get(list.listId)?.has(personId)).length;
        const kept = list.state === 'recalled' ? (standing.get(list.listId)?.size ?? 0) : 0;
        if (kept > 0) findings.push(at('I2', last, `list ${list.listId} was recalled and ${kept} of its grants stand`));
        if (left > 0)
          findings.push(at('I2', last, `list ${list.listId}: ${left} rows of its granted stages were never decided`));
      }
      return findings;
    },
    get counts() {
      return { lists: lists.size, rows: rowCount };
    },
  };
}

function add(persons: Map<string, Set<string>>, listId: string, personId: string) {
  const known = persons.get(listId) ?? new Set();
  persons.set(listId, known.add(personId));
}

function at(invariant: string, event: Read, detail: string): Finding {
  return { invariant, service: 'point-ledger', position: event.position, eventId: event.id, detail };
}
