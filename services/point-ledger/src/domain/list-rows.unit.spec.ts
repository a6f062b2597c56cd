import fc from 'fast-check';
import { columnsOf, looksLikeMyNumber, rowOf } from './list-rows.js';

const person = '019ab3f0-6c00-7000-8000-000000000001';
const limits = { amountPointsMax: 100_000, nowMs: Date.parse('2026-11-20T01:00:00.000Z') };
const columns = { count: 3, personId: 0, amountPoints: 1, reference: 2 };
const codes = (cells: string[]) => {
  const read = rowOf(cells, 7, columns, limits);
  return 'row' in read ? read.row : read.problems.map(({ line, column, code }) => `${line} ${column} ${code}`);
};

describe('the header of a list', () => {
  it.each([
    [['personId', 'amountPoints', 'reference'], columns],
    [['AMOUNTPOINTS', ' personid '], { count: 2, personId: 1, amountPoints: 0, reference: undefined }],
    [['整理番号', '個人ＩＤ', '付与ポイント'], { count: 3, personId: 1, amountPoints: 2, reference: 0 }],
  ])('%j names the columns', (header, expected) => {
    expect(columnsOf(header)).toEqual({ ok: true, value: expected });
  });

  it.each([
    [['personId', 'amountPoints', '氏名']],
    [['personId', 'amountPoints', '']],
    [['personId', 'amountPoints', 'personId']],
    [['personId']],
    [[]],
    [[person, '5000']],
  ])('%j is refused, and no cell is quoted', (header) => {
    const decided = columnsOf(header);
    expect(decided).toMatchObject({ ok: false, refusal: { code: 'point_ledger.list_columns' } });
    expect(JSON.stringify(decided)).not.toMatch(/氏名|019ab3f0/);
  });
});

describe('a line of a list', () => {
  it('is a row', () => {
    expect(codes([person.toUpperCase(), ' 5000 ', 'R/2026-1'])).toEqual({
      line: 7,
      personId: person,
      amountPoints: 5_000,
      reference: 'R/2026-1',
    });
    expect(codes([person, '１００'])).toMatchObject({ amountPoints: 100, reference: null });
  });

  it.each([
    [['山田太郎', '5000', ''], ['7 personId person_invalid']],
    [['019ab3f0-6c00-4000-8000-000000000001', '5000', ''], ['7 personId person_invalid']],
    [['ffffffff-6c00-7000-8000-000000000001', '5000', ''], ['7 personId person_invalid']],
    [[person, '0', ''], ['7 amountPoints amount_invalid']],
    [[person, '-5', ''], ['7 amountPoints amount_invalid']],
    [[person, '1,000', ''], ['7 amountPoints amount_invalid']],
    [[person, '1e3', ''], ['7 amountPoints amount_invalid']],
    [[person, '=1+1', ''], ['7 amountPoints amount_invalid']],
    [[person, '100001', ''], ['7 amountPoints amount_over_limit']],
    [[person, '5', '=HYPERLINK("x")'], ['7 reference reference_invalid']],
    [[person, '5', '山田'], ['7 reference reference_invalid']],
    [[person, '5', 'a', 'b'], ['7 null cells_wrong']],
    [
      ['', '', 'x x'],
      ['7 personId person_invalid', '7 amountPoints amount_invalid', '7 reference reference_invalid'],
    ],
  ])('%j has problems', (cells, expected) => {
    expect(codes(cells)).toEqual(expected);
  });
});

describe('a My Number', () => {
  // Computed by hand from the ordinance: 12345678901 gives the check digit 8.
  it.each(['123456789018', '1234-5678-9018', '１２３４５６７８９０１８', ' 1234 5678 9018 ', '番号123456789018'])(
    '%s is seen',
    (cell) => {
      expect(looksLikeMyNumber(cell)).toBe(true);
    },
  );

  it.each(['123456789017', '12345678901', '1234567890187', '5000', '', '019ab3f0-6c00-7000-8000-123456789018'])(
    '%s is not one',
    (cell) => {
      expect(looksLikeMyNumber(cell)).toBe(false);
    },
  );

  it('has exactly one check digit for any eleven digits', () => {
    const digits = fc.stringMatching(/^\d{11}$/);
    fc.assert(
      fc.property(digits, (eleven) => {
        const valid = [...'0123456789'].filter((check) => looksLikeMyNumber(eleven + check));
        expect(valid).toHaveLength(1);
      }),
    );
  });
});
