import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { cellCharactersMax, listColumnsMax } from '../domain/list-rows.js';
import type { FileProblem, SheetLine, SheetLines } from './sheet-lines.js';

const LINES_AT_ONCE = 1_000;
const BYTES_AT_ONCE = 256 * 1024;
/** A quote that is never closed must not swallow the file. */
const RECORD_CHARACTERS_MAX = listColumnsMax * cellCharactersMax;
/** Tried in this order: what is no UTF-8 may be what a spreadsheet in Japan saves as CSV. */
const encodings = ['utf-8', 'shift_jis'] as const;

/** RFC 4180 with LF as well as CRLF, in UTF-8 (with or without a byte order mark) or Shift_JIS. */
export async function* readListCsv(file: FileHandle): SheetLines {
  const encoding = await encodingOf(file);
  if (!encoding) {
    return { code: 'point_ledger.list_encoding', detail: 'The file is neither UTF-8 nor Shift_JIS text.' };
  }
  const parser = parse({
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_CHARACTERS_MAX,
    record_delimiter: ['\r\n', '\n', '\r'],
    info: true,
  });
  // The parser is read below, where its error and that of the file arrive too.
  pipeline(Readable.from(textOf(file, encoding)), parser, () => undefined);
  let batch: SheetLine[] = [];
  try {
    for await (const { record: cells, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      const line: SheetLine = { line: info.lines, cells };
      const excess = tooMuch(line);
      if (excess) return excess;
      batch.push(line);
      if (batch.length < LINES_AT_ONCE) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const lines = Number((error as { lines?: unknown }).lines);
    const where = Number.isInteger(lines) ? ` near line ${lines}` : '';
    return unreadable(`The file is no well-formed CSV${where}: look for a stray quote or an overlong cell.`);
  }
  if (batch.length > 0) yield batch;
  return undefined;
}

function tooMuch({ line, cells }: SheetLine): FileProblem | undefined {
  if (cells.length > listColumnsMax) return unreadable(`Line ${line} has more than ${listColumnsMax} cells.`);
  if (cells.every((cell) => cell.length <= cellCharactersMax)) return undefined;
  return unreadable(`Line ${line} has a cell of more than ${cellCharactersMax} characters.`);
}

async function encodingOf(file: FileHandle): Promise<(typeof encodings)[number] | undefined> {
  for (const encoding of encodings) if (await decodes(file, encoding)) return encoding;
  return undefined;
}

async function decodes(file: FileHandle, encoding: string): Promise<boolean> {
  try {
    // A NUL is how UTF-16 without a mark looks.
    for await (const text of textOf(file, encoding)) if (text.includes('\0')) return false;
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return false;
    throw error;
  }
}

async function* textOf(file: FileHandle, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const buffer = Buffer.allocUnsafe(BYTES_AT_ONCE);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    const text = decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
    if (text !== '') yield text;
  }
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}

function unreadable(detail: string): FileProblem {
  return { code: 'point_ledger.list_unreadable', detail };
}
