import holidayJp from '@holiday-jp/holiday_jp';
import { addDays, type JapanDay, japanDay } from './japan-calendar.js';
import { isBankBusinessDay, isNationalHoliday, nextBankBusinessDay } from './japan-holidays.js';

function daysBetween(first: string, last: string): JapanDay[] {
  const days = [japanDay(first)];
  for (let day = japanDay(first); day < last; ) {
    day = addDays(day, 1);
    days.push(day);
  }
  return days;
}

describe('holidays', () => {
  test('agree with a public table for every day from 2020 to 2050', () => {
    const days = daysBetween('2020-01-01', '2050-12-31');
    const listed = days.filter((day) => day in holidayJp.holidays);
    expect(listed.length).toBeGreaterThan(500);
    expect(days.filter(isNationalHoliday)).toEqual(listed);
  });

  test('are known to 2099, and a year beyond is an error, not a working day', () => {
    expect(isNationalHoliday(japanDay('2099-11-23'))).toBe(true);
    expect(() => isNationalHoliday(japanDay('2100-01-01'))).toThrow(
      new RangeError('holidays are known for 2020 to 2099, not for 2100'),
    );
    expect(() => isNationalHoliday(japanDay('2019-05-01'))).toThrow(RangeError);
  });
});

describe('bank business days', () => {
  test.each([
    ['2026-11-20', true],
    ['2026-11-21', false],
    ['2026-11-22', false],
    ['2026-11-23', false],
    ['2026-12-30', true],
    ['2026-12-31', false],
    ['2027-01-03', false],
    ['2025-01-02', false],
    ['2025-01-03', false],
    ['2024-01-04', true],
    ['2026-09-22', false],
  ])('%s: %s', (day, expected) => expect(isBankBusinessDay(japanDay(day))).toBe(expected));

  test.each([
    ['2026-11-19', '2026-11-20'],
    ['2026-11-20', '2026-11-24'],
    ['2026-12-30', '2027-01-04'],
    ['2026-05-02', '2026-05-07'],
    ['2026-09-18', '2026-09-24'],
  ])('after %s comes %s', (day, next) => expect(nextBankBusinessDay(japanDay(day))).toBe(next));
});
