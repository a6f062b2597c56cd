import { addDays, dayFrom, type JapanDay, weekdayOf } from './japan-calendar.js';

const firstYear = 2020;
const lastYear = 2099;
const holidaysByYear = new Map<number, ReadonlySet<JapanDay>>();

/**
 * Whether a day is a national holiday, substitute and sandwiched holidays included. Computed from the law as it stands
 * in 2026 for the years 2020 to 2099; throws RangeError outside them.
 * Source: Act on National Holidays (Act No. 178 of 1948), art. 2 and 3.
 */
export function isNationalHoliday(day: JapanDay): boolean {
  const year = Number(day.slice(0, 4));
  let holidays = holidaysByYear.get(year);
  if (!holidays) {
    holidays = holidaysOf(year);
    holidaysByYear.set(year, holidays);
  }
  return holidays.has(day);
}

/** Whether banks work: no Saturday, Sunday, national holiday, nor 31 December to 3 January (Banking Act enforcement order art. 5). */
export function isBankBusinessDay(day: JapanDay): boolean {
  const weekday = weekdayOf(day);
  const monthAndDate = day.slice(5);
  const atNewYear = monthAndDate === '12-31' || monthAndDate <= '01-03';
  return weekday !== 0 && weekday !== 6 && !atNewYear && !isNationalHoliday(day);
}

/** The first bank business day after a day. */
export function nextBankBusinessDay(day: JapanDay): JapanDay {
  let next = addDays(day, 1);
  while (!isBankBusinessDay(next)) next = addDays(next, 1);
  return next;
}

function holidaysOf(year: number): ReadonlySet<JapanDay> {
  if (year < firstYear || year > lastYear) {
    throw new RangeError(`holidays are known for ${firstYear} to ${lastYear}, not for ${year}`);
  }
  const named = new Set(namedHolidays(year));
  return new Set([...named, ...substituteHolidays(named), ...sandwichedHolidays(named)]);
}

/** Art. 2; in 2020 and 2021 three of them were moved for the Olympic Games (Act No. 68 of 2015 as amended). */
function namedHolidays(year: number): readonly JapanDay[] {
  const moved = {
    2020: { marine: dayFrom(2020, 7, 23), sports: dayFrom(2020, 7, 24), mountain: dayFrom(2020, 8, 10) },
    2021: { marine: dayFrom(2021, 7, 22), sports: dayFrom(2021, 7, 23), mountain: dayFrom(2021, 8, 8) },
  }[year];
  return [
    dayFrom(year, 1, 1),
    monday(year, 1, 2),
    dayFrom(year, 2, 11),
    dayFrom(year, 2, 23),
    dayFrom(year, 3, equinoxDate(year, 20.8431)),
    dayFrom(year, 4, 29),
    dayFrom(year, 5, 3),
    dayFrom(year, 5, 4),
    dayFrom(year, 5, 5),
    moved?.marine ?? monday(year, 7, 3),
    moved?.mountain ?? dayFrom(year, 8, 11),
    monday(year, 9, 3),
    dayFrom(year, 9, equinoxDate(year, 23.2488)),
    moved?.sports ?? monday(year, 10, 2),
    dayFrom(year, 11, 3),
    dayFrom(year, 11, 23),
  ];
}

/** Art. 3 (2): a holiday on a Sunday gives the next day that is none. */
function substituteHolidays(named: ReadonlySet<JapanDay>): readonly JapanDay[] {
  return [...named].flatMap((day) => {
    if (weekdayOf(day) !== 0) return [];
    let next = addDays(day, 1);
    while (named.has(next)) next = addDays(next, 1);
    return [next];
  });
}

/** Art. 3 (3): a day between two holidays is one too. */
function sandwichedHolidays(named: ReadonlySet<JapanDay>): readonly JapanDay[] {
  return [...named].flatMap((day) => {
    const between = addDays(day, 1);
    return !named.has(between) && named.has(addDays(day, 2)) ? [between] : [];
  });
}

/** The n-th Monday of a month. */
function monday(year: number, month: number, count: number): JapanDay {
  const first = dayFrom(year, month, 1);
  return addDays(first, ((8 - weekdayOf(first)) % 7) + 7 * (count - 1));
}

/**
 * The date of an equinox in its month, 1980 to 2099, by the usual approximation of the Japan Coast Guard's almanac
 * office. What counts is the notice in the official gazette of the February before.
 */
function equinoxDate(year: number, base: number): number {
  return Math.floor(base + 0.242194 * (year - 1980) - Math.floor((year - 1980) / 4));
}
