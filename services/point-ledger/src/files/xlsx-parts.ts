import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { cellCharactersMax, listColumnsMax, listRowsMax } from '../domain/list-rows.js';
import type { SheetLine } from './sheet-lines.js';

/** Why a workbook is refused; raised inside a parser's callbacks and caught by the reader of the file. Quotes no cell. */
export class XlsxProblem extends Error {}

/** A list's texts are its people's ids and reference numbers: at most two a row, and those of the header. */
const STRINGS_MAX = 2 * listRowsMax + 1_000;
const DEPTH_MAX = 32;
/** Rows of a sheet (ISO/IEC 29500-1 §18.3.1.73 gives a row's number in `r`). */
const LINE_MAX = 1_048_576;

/** Parses UTF-8 XML as it comes; entities of a DTD's own are unknown to it and refused, so nothing expands. */
abstract class XmlPart {
  private readonly parser = new SaxesParser({ xmlns: false, position: false });
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private depth = 0;

  constructor() {
    this.parser.on('opentag', (tag: SaxesTagPlain) => {
      this.depth += 1;
      if (this.depth > DEPTH_MAX) throw new XlsxProblem('The workbook is nested too deeply.');
      this.opened(localName(tag.name), tag.attributes);
    });
    this.parser.on('closetag', (tag: SaxesTagPlain) => {
      this.depth -= 1;
      this.closed(localName(tag.name));
    });
    this.parser.on('text', (text: string) => this.text(text));
    this.parser.on('cdata', (text: string) => this.text(text));
    this.parser.on('doctype', () => {
      throw new XlsxProblem('The workbook has a document type definition.');
    });
    this.parser.on('error', () => {
      throw new XlsxProblem('The workbook has a part that is no well-formed XML.');
    });
  }

  protected feed(bytes: Buffer): void {
    this.parser.write(this.decoder.decode(bytes, { stream: true }));
  }

  close(): void {
    // An empty part was never there.
    if (this.parser.line > 1 || this.parser.column > 0) this.parser.close();
  }

  protected abstract opened(name: string, attributes: Readonly<Record<string, string>>): void;
  protected abstract closed(name: string): void;
  protected abstract text(text: string): void;
}

/** Text of the elements that matter, cut off where a cell is too long to be one of a list. */
class CellText {
  private value = '';

  clear() {
    this.value = '';
  }

  add(text: string) {
    if (this.value.length + text.length > cellCharactersMax) {
      throw new XlsxProblem(`The workbook has a cell of more than ${cellCharactersMax} characters.`);
    }
    this.value += text;
  }

  toString() {
    return this.value;
  }
}

/** `xl/sharedStrings.xml`: the texts that cells name by number. Kept as bytes, for a million ids are 36 MB so and 100 as strings. */
export class SharedStrings extends XmlPart {
  private bytes = Buffer.allocUnsafe(64 * 1024);
  private used = 0;
  private readonly ends: number[] = [];
  private readonly current = new CellText();
  private inText = false;
  private inPhonetic = false;

  write(bytes: Buffer): void {
    this.feed(bytes);
  }

  at(index: number): string {
    const end = this.ends[index];
    if (end === undefined) throw new XlsxProblem('A cell names a text that is not there.');
    return this.bytes.toString('utf8', this.ends[index - 1] ?? 0, end);
  }

  protected opened(name: string): void {
    if (name === 'si') this.current.clear();
    if (name === 't') this.inText = true;
    // How a Japanese text is read, beside the text itself.
    if (name === 'rPh') this.inPhonetic = true;
  }

  protected closed(name: string): void {
    if (name === 't') this.inText = false;
    if (name === 'rPh') this.inPhonetic = false;
    if (name !== 'si') return;
    if (this.ends.length === STRINGS_MAX) throw new XlsxProblem('The workbook has more texts than a list can hold.');
    this.keep(this.current.toString());
  }

  protected text(text: string): void {
    if (this.inText && !this.inPhonetic) this.current.add(text);
  }

  private keep(text: string) {
    const length = Buffer.byteLength(text);
    if (this.used + length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.used + length));
      this.bytes.copy(larger, 0, 0, this.used);
      this.bytes = larger;
    }
    this.bytes.write(text, this.used);
    this.used += length;
    this.ends.push(this.used);
  }
}

/** A worksheet's rows; cells that are not there are empty, rows without a text are left out. */
export class SheetReader extends XmlPart {
  private lines: SheetLine[] = [];
  private line = 0;
  private cells: string[] = [];
  private column = 0;
  private kind = 'n';
  private readonly value = new CellText();
  private inValue = false;

  constructor(private readonly shared: SharedStrings) {
    super();
  }

  /** The lines that ended in these bytes. */
  write(bytes: Buffer): readonly SheetLine[] {
    this.feed(bytes);
    const { lines } = this;
    this.lines = [];
    return lines;
  }

  protected opened(name: string, attributes: Readonly<Record<string, string>>): void {
    switch (name) {
      case 'row':
        this.beginRow(attributes.r);
        return;
      case 'c':
        this.column = attributes.r === undefined ? this.column + 1 : columnOf(attributes.r);
        this.kind = attributes.t ?? 'n';
        this.value.clear();
        return;
      case 'f':
        throw new XlsxProblem(`Line ${this.line} has a formula; a list holds plain values only.`);
      case 'v':
      case 't':
        this.inValue = true;
        return;
    }
  }

  protected closed(name: string): void {
    if (name === 'v' || name === 't') this.inValue = false;
    if (name === 'c') this.endCell();
    if (name === 'row' && this.cells.some((cell) => cell !== '')) {
      this.lines.push({ line: this.line, cells: Array.from(this.cells, (cell) => cell ?? '') });
    }
  }

  protected text(text: string): void {
    if (this.inValue) this.value.add(text);
  }

  private beginRow(number: string | undefined) {
    const line = number === undefined ? this.line + 1 : Number(number);
    if (!Number.isInteger(line) || line <= this.line || line > LINE_MAX) {
      throw new XlsxProblem('The rows of the sheet are not numbered in order.');
    }
    this.line = line;
    this.cells = [];
    this.column = 0;
  }

  private endCell() {
    const text = this.value.toString();
    if (text === '') return;
    if (this.column > listColumnsMax) {
      throw new XlsxProblem(`Line ${this.line} has a cell beyond column ${listColumnsMax}.`);
    }
    this.cells[this.column - 1] =
      this.kind === 's' ? this.shared.at(indexOf(text)) : this.kind === 'n' ? wholeNumber(text) : text;
  }
}

/** `B5` is in column 2. */
function columnOf(reference: string): number {
  const letters = /^([A-Z]{1,3})\d{1,7}$/.exec(reference)?.[1];
  if (!letters) throw new XlsxProblem('A cell of the sheet has no place.');
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0);
}

function indexOf(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new XlsxProblem('A cell names a text that is not there.');
  return Number(text);
}

/** A number as a spreadsheet stores it: 5000 may be written 5000.0 or 5E3. */
function wholeNumber(text: string): string {
  const value = Number(text);
  return Number.isSafeInteger(value) ? String(value) : text;
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
