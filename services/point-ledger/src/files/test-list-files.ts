import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import type { ListFormat } from './list-file.js';
import { readListFile } from './list-file.js';
import type { FileProblem, SheetLine } from './sheet-lines.js';

/** For specs of list files: workbooks as spreadsheets write them, and the lines of a file's bytes. */

export interface ReadFile {
  readonly lines: readonly SheetLine[];
  readonly problem: FileProblem | undefined;
}

/** Spools the bytes as the service does and reads them to the end. */
export async function readBytes(bytes: Uint8Array, format: ListFormat): Promise<ReadFile> {
  const directory = await mkdtemp(join(tmpdir(), 'tsunagu-list-spec-'));
  let handle: FileHandle | undefined;
  try {
    const path = join(directory, 'list');
    await writeFile(path, bytes);
    handle = await open(path);
    const lines: SheetLine[] = [];
    const reading = readListFile(handle, format);
    for (;;) {
      const next = await reading.next();
      if (next.done) return { lines, problem: next.value };
      lines.push(...next.value);
    }
  } finally {
    await handle?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

export function csvOf(rows: readonly (readonly (string | number)[])[], newline = '\r\n'): string {
  return rows.map((row) => row.join(',') + newline).join('');
}

/** A workbook with one sheet: texts shared as spreadsheets do, or inline; numbers as numbers. */
export function xlsxOf(
  rows: readonly (readonly (string | number)[])[],
  { inline = false, parts = {} }: { inline?: boolean; parts?: Readonly<Record<string, string | Uint8Array>> } = {},
): Uint8Array {
  const strings: string[] = [];
  const cell = (value: string | number, place: string) => {
    if (typeof value === 'number') return `<c r="${place}"><v>${value}</v></c>`;
    if (inline) return `<c r="${place}" t="inlineStr"><is><t>${xml(value)}</t></is></c>`;
    strings.push(`<si><t>${xml(value)}</t></si>`);
    return `<c r="${place}" t="s"><v>${strings.length - 1}</v></c>`;
  };
  const data = rows.map((row, index) => {
    const cells = row.map((value, column) => cell(value, `${String.fromCharCode(65 + column)}${index + 1}`));
    return `<row r="${index + 1}">${cells.join('')}</row>`;
  });
  return zipOf({
    '[Content_Types].xml': '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    'xl/workbook.xml': '<workbook/>',
    'xl/worksheets/sheet1.xml': sheetXml(data.join('')),
    ...(inline ? {} : { 'xl/sharedStrings.xml': `<sst>${strings.join('')}</sst>` }),
    ...parts,
  });
}

export function sheetXml(rows: string): string {
  const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<worksheet xmlns="${main}"><sheetData>${rows}</sheetData></worksheet>`;
}

export function zipOf(parts: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  return zipSync(
    Object.fromEntries(
      Object.entries(parts).map(([name, part]) => [name, typeof part === 'string' ? strToU8(part) : part]),
    ),
  );
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
