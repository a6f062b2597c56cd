import iconv from 'iconv-lite';
import { csvOf, readBytes, sheetXml, xlsxOf, zipOf } from './test-list-files.js';

const header = ['personId', 'amountPoints', 'reference'];
const rows = [
  header,
  ['019ab3f0-6c00-7000-8000-000000000001', 5_000, 'A-1'],
  ['019ab3f0-6c00-7000-8000-000000000002', 300, ''],
];
const lines = [
  { line: 1, cells: header },
  { line: 2, cells: ['019ab3f0-6c00-7000-8000-000000000001', '5000', 'A-1'] },
  { line: 3, cells: ['019ab3f0-6c00-7000-8000-000000000002', '300', ''] },
];
const utf8 = (text: string) => Buffer.from(text);
const csv = (bytes: Uint8Array) => readBytes(bytes, 'csv');
const xlsx = (bytes: Uint8Array) => readBytes(bytes, 'xlsx');

describe('a CSV list', () => {
  it.each([
    ['CRLF', utf8(csvOf(rows))],
    ['LF', utf8(csvOf(rows, '\n'))],
    ['a byte order mark', utf8(`\uFEFF${csvOf(rows)}`)],
    ['every cell quoted', utf8(csvOf(rows.map((row) => row.map((cell) => `"${cell}"`))))],
    ['no line end at its end', utf8(csvOf(rows).trimEnd())],
    ['empty lines at its end', utf8(`${csvOf(rows)}\r\n\r\n`)],
  ])('with %s is read', async (_, bytes) => {
    expect(await csv(bytes)).toEqual({ lines, problem: undefined });
  });

  it('counts lines as a spreadsheet does, empty ones too', async () => {
    const { lines: read } = await csv(utf8('personId,amountPoints\r\n\r\nx,1\r\n'));
    expect(read.map(({ line }) => line)).toEqual([1, 3]);
  });

  it('is read in Shift_JIS, as spreadsheets in Japan save it', async () => {
    const read = await csv(iconv.encode('個人ID,付与ポイント\r\nx,1\r\n', 'Shift_JIS'));
    expect(read.lines[0]?.cells).toEqual(['個人ID', '付与ポイント']);
  });

  it.each([
    ['UTF-16 with a mark', iconv.encode('personId,amountPoints\r\n', 'utf-16', { addBOM: true })],
    ['UTF-16 without one', iconv.encode('personId,amountPoints\r\n', 'utf-16le', { addBOM: false })],
    ['bytes of no encoding', Buffer.from([0x70, 0xff, 0xfe, 0xfd, 0x80, 0x0a])],
    ['EUC-JP', Buffer.concat([iconv.encode('個人ID,付与ポイント\r\n', 'euc-jp'), Buffer.from([0xff])])],
  ])('in %s is refused by name', async (_, bytes) => {
    expect((await csv(bytes)).problem?.code).toBe('point_ledger.list_encoding');
  });

  it.each([
    ['a quote that is never closed', `personId,amountPoints\r\n"x,1\r\n${'y,1\r\n'.repeat(5_000)}`],
    ['a quote inside a cell', 'personId,amountPoints\r\nx"y,1\r\n'],
    ['a huge cell', `personId,amountPoints\r\n${'x'.repeat(10_000_000)},1\r\n`],
    ['a cell that is too long', `personId,amountPoints\r\n${'x'.repeat(257)},1\r\n`],
    ['very many cells', `personId,amountPoints\r\n${','.repeat(1_000)}\r\n`],
  ])('with %s is refused, and nothing of it is quoted', async (_, text) => {
    const { problem } = await csv(utf8(text));
    expect(problem?.code).toBe('point_ledger.list_unreadable');
    expect(problem?.detail).not.toContain('x,1');
    expect(problem?.detail.length).toBeLessThan(200);
  });
});

describe('an XLSX list', () => {
  it.each([
    ['shared texts', xlsxOf(rows)],
    ['inline texts', xlsxOf(rows, { inline: true })],
    [
      'prefixed names, and numbers written as texts or with an exponent',
      zipOf({
        'xl/worksheets/sheet1.xml': `<x:worksheet xmlns:x="a"><x:sheetData>
          <x:row r="1"><x:c r="A1" t="str"><x:v>personId</x:v></x:c><x:c r="B1" t="str"><x:v>amountPoints</x:v></x:c><x:c r="C1" t="str"><x:v>reference</x:v></x:c></x:row>
          <x:row r="2"><x:c r="A2" t="str"><x:v>019ab3f0-6c00-7000-8000-000000000001</x:v></x:c><x:c r="B2"><x:v>5E3</x:v></x:c><x:c r="C2" t="str"><x:v>A-1</x:v></x:c></x:row>
          <x:row r="3"><x:c r="A3" t="str"><x:v>019ab3f0-6c00-7000-8000-000000000002</x:v></x:c><x:c r="B3"><x:v>300.0</x:v></x:c><x:c r="C3"/></x:row>
          <x:row r="4"/></x:sheetData></x:worksheet>`,
      }),
    ],
  ])('with %s is read', async (_, bytes) => {
    const read = await xlsx(bytes);
    expect(read.problem).toBeUndefined();
    expect(read.lines.map(({ line, cells }) => ({ line, cells: [...cells, ''].slice(0, 3) }))).toEqual(lines);
  });

  it('takes a text without its phonetic reading', async () => {
    const strings = '<sst><si><t>個人ID</t><rPh sb="0" eb="2"><t>コジン</t></rPh></si></sst>';
    const sheet = sheetXml('<row r="1"><c r="A1" t="s"><v>0</v></c></row>');
    const bytes = zipOf({ 'xl/worksheets/sheet1.xml': sheet, 'xl/sharedStrings.xml': strings });
    expect((await xlsx(bytes)).lines).toEqual([{ line: 1, cells: ['個人ID'] }]);
  });

  const withSheet = (inner: string) => zipOf({ 'xl/worksheets/sheet1.xml': sheetXml(inner) });
  const truncated = xlsxOf(rows);
  const dtd =
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet>&b;</worksheet>';
  it.each([
    ['bytes that are no archive', Buffer.from('PK nothing of the kind')],
    ['a CSV under its name', utf8(csvOf(rows))],
    ['an archive that is cut off', truncated.subarray(0, truncated.length - 40)],
    ['a bomb', zipOf({ 'xl/worksheets/sheet1.xml': new Uint8Array(50_000_000) })],
    ['a bomb of texts', xlsxOf(rows, { parts: { 'xl/sharedStrings.xml': new Uint8Array(50_000_000).fill(0x20) } })],
    ['no sheet', zipOf({ 'xl/workbook.xml': '<workbook/>' })],
    ['two sheets', xlsxOf(rows, { parts: { 'xl/worksheets/sheet2.xml': sheetXml('') } })],
    [
      'very many parts',
      xlsxOf(rows, { parts: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${i}`, ''])) }),
    ],
    ['a name that leads out of it', zipOf({ '../xl/worksheets/sheet1.xml': sheetXml('') })],
    ['entities that expand', zipOf({ 'xl/worksheets/sheet1.xml': dtd })],
    ['XML that is not well-formed', zipOf({ 'xl/worksheets/sheet1.xml': '<worksheet><row></worksheet>' })],
    ['XML that ends early', zipOf({ 'xl/worksheets/sheet1.xml': '<worksheet><sheetData>' })],
    ['bytes that are no UTF-8', zipOf({ 'xl/worksheets/sheet1.xml': new Uint8Array([0x3c, 0xff, 0xfe]) })],
    ['deep nesting', withSheet('<a>'.repeat(1_000) + '</a>'.repeat(1_000))],
    ['a formula', withSheet('<row r="1"><c r="A1"><f>1+1</f><v>2</v></c></row>')],
    ['a text that is not there', withSheet('<row r="1"><c r="A1" t="s"><v>7</v></c></row>')],
    ['rows out of order', withSheet('<row r="2"/><row r="1"/>')],
    ['a cell far to the right', withSheet('<row r="1"><c r="XFD1"><v>2</v></c></row>')],
    ['a cell without a place', withSheet('<row r="1"><c r="1A"><v>2</v></c></row>')],
    ['a huge cell', withSheet(`<row r="1"><c r="A1" t="str"><v>${'x'.repeat(100_000)}</v></c></row>`)],
  ])('with %s is refused', async (_, bytes) => {
    const { problem } = await xlsx(bytes);
    expect(problem?.code).toBe('point_ledger.list_unreadable');
    expect(problem?.detail).not.toMatch(/personId|019ab3f0/);
  });
});
