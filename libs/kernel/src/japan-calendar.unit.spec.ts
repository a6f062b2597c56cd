import fc from 'fast-check';
import {
  addDays,
  addMonths,
  ageAt,
  endOfDay,
  fiscalYearOf,
  isJapanDay,
  type JapanDay,
  japanDay,
  japanDayOf,
  parseBirthDate,
  startOfDay,
  weekdayOf,
} from './japan-calendar.js';

const instants = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2099, 11, 30) });
const days = instants.map(japanDayOf);

describe('days in Japan', () => {
  test('a day begins at 15:00 UTC of the day before', () => {
    expect(startOfDay(japanDay('2026-02-02'))).toBe(Date.UTC(2026, 1, 1, 15));
    expect(japanDayOf(Date.UTC(2026, 1, 1, 14, 59, 59, 999))).toBe('2026-02-01');
    expect(japanDayOf(Date.UTC(2026, 1, 1, 15))).toBe('2026-02-02');
  });

  test('every instant lies in its day, and days follow without gaps', () => {
    fc.assert(
      fc.property(instants, (ms) => {
        const day = japanDayOf(ms);
        expect(startOfDay(day)).toBeLessThanOrEqual(ms);
        expect(endOfDay(day)).toBeGreaterThan(ms);
        expect(endOfDay(day)).toBe(startOfDay(addDays(day, 1)));
      }),
    );
  });

  test('adding days is adding, and weekdays go round', () => {
    fc.assert(
      fc.property(days, fc.integer({ min: -800, max: 800 }), (day, count) => {
        expect(addDays(addDays(day, count), -count)).toBe(day);
        expect(weekdayOf(addDays(day, count))).toBe((((weekdayOf(day) + count) % 7) + 7) % 7);
      }),
    );
    expect(weekdayOf(japanDay('2026-11-23'))).toBe(1);
  });

  test.each([
    ['2026-01-31', 1, '2026-02-28'],
    ['2028-01-31', 1, '2028-02-29'],
    ['2026-11-20', 6, '2027-05-20'],
    ['2026-03-31', -1, '2026-02-28'],
    ['2026-12-15', 13, '2028-01-15'],
    ['2026-01-01', -1, '2025-12-01'],
  ])('%s and %i months is %s', (from, months, to) => expect(addMonths(japanDay(from), months)).toBe(to));

  test('months later is never in another month than counted', () => {
    fc.assert(
      fc.property(days, fc.integer({ min: -36, max: 36 }), (day, months) => {
        const to = addMonths(day, months);
        const count = (d: JapanDay) => Number(d.slice(0, 4)) * 12 + Number(d.slice(5, 7));
        expect(count(to) - count(day)).toBe(months);
        expect(Number(to.slice(8))).toBeLessThanOrEqual(Number(day.slice(8)));
      }),
    );
  });

  test('the fiscal year runs from April to March', () => {
    expect(fiscalYearOf(japanDay('2026-03-31'))).toBe(2025);
    expect(fiscalYearOf(japanDay('2026-04-01'))).toBe(2026);
  });

  test.each([
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-1-1',
    '20260101',
    '0999-01-01',
    ' 2026-01-01',
    20260101,
    ['2026-01-01'],
    null,
  ])('%j is no day', (...args) => expect(isJapanDay(args[0])).toBe(false));

  test('the years of four digits have days', () => {
    expect(isJapanDay('1000-01-01')).toBe(true);
    expect(isJapanDay('9999-12-31')).toBe(true);
    expect(() => japanDay('2026-02-30')).toThrow(new RangeError('not a day as YYYY-MM-DD'));
  });
});

describe('age by law', () => {
  test.each([
    ['2011-04-01', '2026-03-30', 14],
    ['2011-04-01', '2026-03-31', 15],
    ['2008-02-29', '2026-02-27', 17],
    ['2008-02-29', '2026-02-28', 18],
    ['2008-02-29', '2028-02-27', 19],
    ['2008-02-29', '2028-02-28', 20],
    ['2008-03-01', '2026-02-28', 18],
    ['2011-01-01', '2025-12-31', 15],
    ['2026-04-01', '2026-03-31', 0],
  ])('born on %s, at the end of %s: %i', (birth, day, age) => expect(ageAt(japanDay(birth), japanDay(day))).toBe(age));

  test('an age is reached once and never lost, one a year', () => {
    fc.assert(
      fc.property(days, fc.integer({ min: 0, max: 110 }), (birth, age) => {
        const year = Number(birth.slice(0, 4)) + age;
        fc.pre(year < 2099);
        const birthday =
          birth.slice(5) === '02-29' ? addDays(japanDay(`${year}-02-28`), 1) : japanDay(`${year}${birth.slice(4)}`);
        expect(ageAt(birth, addDays(birthday, -1))).toBe(age);
        expect(ageAt(birth, addDays(birthday, -2))).toBe(age - 1);
      }),
    );
  });
});

describe('birth dates as they are written', () => {
  test.each(['19900401', '1990-04-01', '419900401', '019900401'])('%s', (text) =>
    expect(parseBirthDate(text)).toBe('1990-04-01'),
  );

  test.each([
    '',
    '1990',
    '19900431',
    '1990/04/01',
    '1990-4-1',
    '619900401',
    '19900400',
    '00000000',
    '1990-0401',
    '4-1990-04-01',
    '１９９００４０１',
  ])('not %s', (text) => expect(parseBirthDate(text)).toBeUndefined());
});
