import type { Readable } from 'node:stream';
import { type Entry, fromFdPromise, type ZipFile } from 'yauzl';
import type { FileProblem, SheetLines } from './sheet-lines.js';
import { SharedStrings, SheetReader, XlsxProblem } from './xlsx-parts.js';

/** Parts of a workbook; a list's has about ten. */
const ENTRIES_MAX = 200;
/** Inflated bytes of one part: a sheet of a million rows is about 200 MB. What claims or inflates to more is no list. */
const INFLATED_BYTES_MAX = 600 * 1024 * 1024;
/** Excel's own compression of a list is about 1:10; a bomb's is 1:1000. */
const RATIO_MAX = 200;
const SHEET = /^xl\/worksheets\/[^/]+\.xml$/;
const STRINGS = 'xl/sharedStrings.xml';

/**
 * The one sheet of an Office Open XML workbook (ISO/IEC 29500), read part by part as it is inflated. Formulas are refused:
 * what they show depends on who calculates.
 */
export async function* readListXlsx(fd: number): SheetLines {
  try {
    // Checks every entry's name and, while reading, its size and checksum.
    const zip = await fromFdPromise(fd, { lazyEntries: true, autoClose: false });
    const { sheet, strings } = await partsOf(zip);
    const shared = new SharedStrings();
    if (strings) for await (const chunk of await zip.openReadStreamPromise(strings)) shared.write(chunk as Buffer);
    shared.close();
    const reader = new SheetReader(shared);
    for await (const chunk of (await zip.openReadStreamPromise(sheet)) as Readable) {
      const lines = reader.write(chunk as Buffer);
      if (lines.length > 0) yield lines;
    }
    reader.close();
    return undefined;
  } catch (error) {
    if (error instanceof XlsxProblem) return unreadable(error.message);
    if (isOutage(error)) throw error;
    // The libraries' own messages may quote the file.
    return unreadable('The file is no well-formed XLSX workbook.');
  }
}

async function partsOf(zip: ZipFile): Promise<{ readonly sheet: Entry; readonly strings: Entry | undefined }> {
  if (zip.entryCount > ENTRIES_MAX) throw new XlsxProblem('The workbook has too many parts.');
  const sheets: Entry[] = [];
  let strings: Entry | undefined;
  for await (const entry of zip.eachEntry()) {
    const { fileName, uncompressedSize, compressedSize } = entry;
    if (fileName === STRINGS) strings = entry;
    else if (SHEET.test(fileName)) sheets.push(entry);
    else continue;
    if (uncompressedSize > INFLATED_BYTES_MAX || uncompressedSize > RATIO_MAX * Math.max(compressedSize, 1_024)) {
      throw new XlsxProblem('A part of the workbook inflates to more than a list can hold.');
    }
    if (entry.isEncrypted()) throw new XlsxProblem('The workbook is encrypted.');
  }
  const [sheet, another] = sheets;
  if (!sheet) throw new XlsxProblem('The workbook has no sheet.');
  if (another) throw new XlsxProblem('The workbook has more than one sheet: which one is the list?');
  return { sheet, strings };
}

/** An error of the file system is no fault of the file. */
function isOutage(error: unknown): boolean {
  return typeof (error as { syscall?: unknown }).syscall === 'string';
}

function unreadable(detail: string): FileProblem {
  return { code: 'point_ledger.list_unreadable', detail };
}
