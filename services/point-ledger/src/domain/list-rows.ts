import { isId, isMyNumber, ok, type Result, refuse, timeOfId } from '@tsunagu/kernel';

/** What a list may hold: whom to grant how much, and the city's own number for it. Nothing about the person. */
export type ListColumn = 'personId' | 'amountPoints' | 'reference';

/** One good row. `line` is the line of the file as a spreadsheet numbers it, the header being line 1. */
export interface ListRow {
  readonly line: number;
  readonly personId: string;
  readonly amountPoints: number;
  readonly reference: string | null;
}

export type RowProblemCode =
  | 'cells_wrong'
  | 'person_invalid'
  | 'person_twice'
  | 'amount_invalid'
  | 'amount_over_limit'
  | 'reference_invalid';

/** What is wrong in a line. It quotes no cell: whoever types a name into the wrong column must not find it in a report. */
export interface RowProblem {
  readonly line: number;
  readonly column: ListColumn | null;
  readonly code: RowProblemCode;
  /** The line that names the same person. */
  readonly otherLine: number | null;
}

/** Where each column stands; undefined where there is none. */
export interface ListColumns {
  readonly count: number;
  readonly personId: number;
  readonly amountPoints: number;
  readonly reference: number | undefined;
}

export interface RowLimits {
  readonly amountPointsMax: number;
  /** A person cannot have been registered later than this. */
  readonly nowMs: number;
}

export const listRowsMax = 1_000_000;
/** Points of one row where the list sets no lower limit. */
export const amountPointsMaxDefault = 10_000_000;
/** Longest cell of a list; what is longer is no list. */
export const cellCharactersMax = 256;
export const listColumnsMax = 16;

/** A map, for an object also has names that nobody gave it, such as `constructor`. */
const names: ReadonlyMap<string, ListColumn> = new Map([
  ['personid', 'personId'],
  ['個人id', 'personId'],
  ['amountpoints', 'amountPoints'],
  ['付与ポイント', 'amountPoints'],
  ['reference', 'reference'],
  ['整理番号', 'reference'],
]);
const AMOUNT = /^[1-9]\d{0,11}$/;
/** A file number or the like. Its letters cannot spell a Japanese name. */
const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,39}$/;
const CLOCKS_APART_MS = 60_000;

/** The columns that a header names, in any order. A column that is not known is refused, for it may hold personal data. */
export function columnsOf(header: readonly string[]): Result<ListColumns, 'point_ledger.list_columns'> {
  const found = new Map<ListColumn, number>();
  for (const [index, cell] of header.entries()) {
    const column = names.get(cell.normalize('NFKC').trim().toLowerCase());
    // The text itself is not repeated: a file without a header has a person's data here.
    if (!column) return refused(`Column ${index + 1} of line 1 is none of ${known}.`);
    if (found.has(column)) return refused(`Line 1 names the column ${column} twice.`);
    found.set(column, index);
  }
  const personId = found.get('personId');
  const amountPoints = found.get('amountPoints');
  if (personId === undefined || amountPoints === undefined) {
    return refused('Line 1 must name the columns personId and amountPoints.');
  }
  return ok({ count: header.length, personId, amountPoints, reference: found.get('reference') });
}

/** One line as a row, or what is wrong with it. */
export function rowOf(
  cells: readonly string[],
  line: number,
  columns: ListColumns,
  limits: RowLimits,
): { readonly row: ListRow } | { readonly problems: readonly RowProblem[] } {
  if (cells.slice(columns.count).some((cell) => cell !== '')) {
    return { problems: [{ line, column: null, code: 'cells_wrong', otherLine: null }] };
  }
  const problems: RowProblem[] = [];
  const wrong = (column: ListColumn, code: RowProblemCode) => problems.push({ line, column, code, otherLine: null });
  const personId = cellAt(cells, columns.personId).toLowerCase();
  if (!isPersonId(personId, limits.nowMs)) wrong('personId', 'person_invalid');
  const amount = cellAt(cells, columns.amountPoints);
  const amountPoints = Number(amount);
  if (!AMOUNT.test(amount)) wrong('amountPoints', 'amount_invalid');
  else if (amountPoints > limits.amountPointsMax) wrong('amountPoints', 'amount_over_limit');
  const reference = columns.reference === undefined ? '' : cellAt(cells, columns.reference);
  if (reference !== '' && !REFERENCE.test(reference)) wrong('reference', 'reference_invalid');
  if (problems.length > 0) return { problems };
  return { row: { line, personId, amountPoints, reference: reference === '' ? null : reference } };
}

/** An account's id: a UUIDv7 whose time has come. */
function isPersonId(text: string, nowMs: number): boolean {
  return isId(text) && text[14] === '7' && timeOfId(text) <= nowMs + CLOCKS_APART_MS;
}

function cellAt(cells: readonly string[], index: number): string {
  return (cells[index] ?? '').normalize('NFKC').trim();
}

/**
 * Whether a cell holds what looks like a My Number (個人番号), however its digits are grouped. One number in eleven
 * passes by chance: a list is then to be given other reference numbers. An id is not looked into: its last
 * group may be twelve digits.
 */
export function looksLikeMyNumber(cell: string): boolean {
  const text = cell.normalize('NFKC');
  if (isId(text.trim().toLowerCase())) return false;
  return text
    .replace(/[\s\-‐‑‒–—―−ー]/g, '')
    .split(/\D/)
    .some(isMyNumber);
}

const known = 'personId (個人ID), amountPoints (付与ポイント) and reference (整理番号)';

function refused(detail: string) {
  return refuse('point_ledger.list_columns', { detail });
}
