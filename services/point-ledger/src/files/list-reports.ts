import { Readable } from 'node:stream';
import { stringify } from 'csv-stringify';

/** CSV for spreadsheets, as it is read from the database: UTF-8 with a BOM, a header row, CRLF, formula starts guarded. */
export function reportCsv(
  columns: readonly string[],
  rows: AsyncIterable<readonly (string | number | null)[]>,
): Readable {
  async function* records() {
    yield [...columns];
    for await (const row of rows) yield [...row];
  }
  return Readable.from(records()).pipe(stringify({ bom: true, record_delimiter: 'windows', escape_formulas: true }));
}
