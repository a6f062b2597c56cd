import type { FileHandle } from 'node:fs/promises';
import { readListCsv } from './list-csv.js';
import { readListXlsx } from './list-xlsx.js';
import type { SheetLines } from './sheet-lines.js';

export type ListFormat = 'csv' | 'xlsx';

/** A million rows of CSV are about 60 MB. */
export const listBytesMax = 128 * 1024 * 1024;

/** What a list may be sent as. */
export const listMediaTypes: Readonly<Record<string, ListFormat>> = {
  'text/csv': 'csv',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
};

/** The lines of an open file, which stays open. */
export function readListFile(file: FileHandle, format: ListFormat): SheetLines {
  return format === 'csv' ? readListCsv(file) : readListXlsx(file.fd);
}
