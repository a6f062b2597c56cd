import { prefersCsv } from './spreadsheet.js';

it.each([
  [undefined, false],
  ['', false],
  ['*/*', false],
  ['text/*', false],
  ['application/json', false],
  ['text/csv', true],
  ['TEXT/CSV; charset=utf-8', true],
  ['text/csv;q=0', false],
  ['text/csv;q=nonsense', false],
  ['application/json;q=0.9, text/csv', true],
  ['application/json, text/csv;q=0.5', false],
  ['text/html, text/csv;q=0.5, */*;q=0.1', true],
  [`text/csv${','.repeat(2_000)}`, false],
])('%s', (accept, csv) => {
  expect(prefersCsv(accept)).toBe(csv);
});
