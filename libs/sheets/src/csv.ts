import { stringify } from 'csv-stringify/sync';

/** Null and undefined are empty cells. */
export type Cell = string | number | null | undefined;

/**
 * A file that spreadsheets open as it is meant: UTF-8 with a BOM, a header row, CRLF. Texts that a spreadsheet would take
 * for a formula (they begin with =, +, -, @ or a full-width form of these) get an apostrophe before them; numbers do not.
 */
export function csvFile(columns: readonly string[], rows: readonly (readonly Cell[])[]): Buffer {
  return Buffer.from(
    stringify([[...columns], ...rows.map((row) => [...row])], {
      bom: true,
      record_delimiter: 'windows',
      escape_formulas: true,
      // A lone CR or LF ends a row for some readers, and a formula could begin behind it.
      quoted_match: /[\r\n]/,
    }),
  );
}
