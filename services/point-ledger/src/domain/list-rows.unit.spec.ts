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

  const unknown = (number: number) =>
    `Column ${number} of line 1 is none of personId (個人ID), amountPoints (付与ポイント) and reference (整理番号).`;
  const missing = 'Line 1 must name the columns personId and amountPoints.';
  it.each([
    [['personId', 'amountPoints', '氏名'], unknown(3)],
    [['personId', 'amountPoints', ''], unknown(3)],
    [['personId', 'constructor', 'amountPoints'], unknown(2)],
    [['personId', 'amountPoints', 'personId'], 'Line 1 names the column personId twice.'],
    [['personId'], missing],
    [['付与ポイント'], missing],
    [[], missing],
    [[person, '5000'], unknown(1)],
  ])('%j is refused, and no cell is quoted', (header, detail) => {
    expect(columnsOf(header)).toEqual({ ok: false, refusal: { code: 'point_ledger.list_columns', detail } });
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

  it('may end in empty cells, hold as many points as the limit, and have a reference of 40 characters or no column of it', () => {
    expect(codes([person, '100000', 'a'.repeat(40), '', ''])).toMatchObject({ amountPoints: 100_000 });
    const two = { count: 2, personId: 1, amountPoints: 0, reference: undefined };
    const row = { line: 2, personId: person, amountPoints: 5, reference: null };
    expect(rowOf(['5', person], 2, two, limits)).toEqual({ row });
  });

  it('names a person who was registered by now, give or take a minute between clocks', () => {
    const registeredAt = (ms: number) => {
      const time = ms.toString(16).padStart(12, '0');
      return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000001`;
    };
    const [last, tooLate] = [60_000, 60_001].map((ms) => registeredAt(limits.nowMs + ms));
    expect(codes([last ?? '', '5', ''])).toMatchObject({ personId: last });
    expect(codes([tooLate ?? '', '5', ''])).toEqual(['7 personId person_invalid']);
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
    [[person, '5', 'a'.repeat(41)], ['7 reference reference_invalid']],
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

  it.each(['123456789017', '12345678901', '1234567890187', '5000', '', 'X-1'])('%s is not one', (cell) => {
    expect(looksLikeMyNumber(cell)).toBe(false);
  });

  it('is not looked for in an id, however it is written', () => {
    const id = '019ab3f0-6c00-7000-800a-123456789018';
    expect([id, id.toUpperCase(), ` ${id} `].filter(looksLikeMyNumber)).toEqual([]);
    expect(looksLikeMyNumber(id.slice(1))).toBe(true);
  });

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
