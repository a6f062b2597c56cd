import { csvFile } from './csv.js';

it('writes a BOM, a header, CRLF and what is needed of quotes', () => {
  const file = csvFile(
    ['name', 'points'],
    [
      ['生活応援, 第1回', 5],
      ['a "b"', null],
      ['', undefined],
    ],
  );
  expect(file.toString()).toBe('\uFEFFname,points\r\n"生活応援, 第1回",5\r\n"a ""b""",\r\n,\r\n');
});

it('guards what a spreadsheet would take for a formula, and leaves numbers alone', () => {
  for (const start of ['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠']) {
    expect(csvFile(['x'], [[`${start}1+1`]]).toString()).toBe(`\uFEFFx\r\n'${start}1+1\r\n`);
  }
  expect(csvFile(['x'], [['\r=1']]).toString()).toBe(`\uFEFFx\r\n"'\r=1"\r\n`);
  expect(csvFile(['x'], [['a\r=1']]).toString()).toBe(`\uFEFFx\r\n"a\r=1"\r\n`);
  expect(csvFile(['x'], [['a\n=1']]).toString()).toBe(`\uFEFFx\r\n"a\n=1"\r\n`);
  expect(csvFile(['x'], [[-5]]).toString()).toBe('\uFEFFx\r\n-5\r\n');
});
