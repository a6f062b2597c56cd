import type { Branded } from './ids.js';

/** A day in Japan, `YYYY-MM-DD`. Text order is time order. */
export type JapanDay = Branded<'JapanDay'>;

/** Japan keeps UTC+9 all year. */
const offsetMs = 9 * 3_600_000;
const dayMs = 86_400_000;
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
/** DOMAIN §3: YYYYMMDD, YYYY-MM-DD, and on the card an era digit (0 unknown, 1 Meiji to 5 Reiwa) before a Gregorian date. */
const BIRTH_DATE = /^(?:[0-5]?(\d{4})(\d{2})(\d{2})|(\d{4})-(\d{2})-(\d{2}))$/;

/** Whether a text is a day that exists, years 1000 to 9999. */
export function isJapanDay(text: unknown): text is JapanDay {
  const parts = typeof text === 'string' ? DAY.exec(text) : null;
  return parts !== null && exists(Number(parts[1]), Number(parts[2]), Number(parts[3]));
}

/** Checks and brands. Throws RangeError for anything but an existing day. */
export function japanDay(text: string): JapanDay {
  if (!isJapanDay(text)) throw new RangeError('not a day as YYYY-MM-DD');
  return text;
}

/** The day in Japan at an instant (ms since 1970). */
export function japanDayOf(ms: number): JapanDay {
  return japanDay(new Date(ms + offsetMs).toISOString().slice(0, 10));
}

/** The instant (ms) at which a day begins in Japan. */
export function startOfDay(day: JapanDay): number {
  return Date.parse(`${day}T00:00:00Z`) - offsetMs;
}

/** The instant (ms) at which a day has ended in Japan: the next day's beginning, no part of the day itself. */
export function endOfDay(day: JapanDay): number {
  return startOfDay(day) + dayMs;
}

/** The day so many days later; earlier when negative. */
export function addDays(day: JapanDay, days: number): JapanDay {
  return japanDayOf(startOfDay(day) + days * dayMs);
}

/** The same day of the month so many months later, or that month's last day where it has none: 31 January + 1 = 28 February. */
export function addMonths(day: JapanDay, months: number): JapanDay {
  const { year, month, date } = partsOf(day);
  const count = year * 12 + (month - 1) + months;
  const [toYear, toMonth] = [Math.floor(count / 12), (count % 12) + 1];
  return dayFrom(toYear, toMonth, Math.min(date, lastDateOf(toYear, toMonth)));
}

/** 0 for Sunday to 6 for Saturday. */
export function weekdayOf(day: JapanDay): number {
  return new Date(`${day}T00:00:00Z`).getUTCDay();
}

/** The fiscal year that a day belongs to, April to March, named by the year in which it begins. */
export function fiscalYearOf(day: JapanDay): number {
  const { year, month } = partsOf(day);
  return month >= 4 ? year : year - 1;
}

/**
 * Age in full years as of the end of a day. A person reaches an age at the end of the day before the birthday: born on
 * 1 April, of age on 31 March; born on 29 February, of age on 28 February in every year. Negative before the birth.
 * Source: Act on Calculation of Ages (Act No. 50 of 1902), Civil Code art. 143.
 */
export function ageAt(birthDate: JapanDay, day: JapanDay): number {
  const next = addDays(day, 1);
  const years = partsOf(next).year - partsOf(birthDate).year;
  return next.slice(5) >= birthDate.slice(5) ? years : years - 1;
}

/** A birth date as cards and logins write it: `19900401`, `1990-04-01`, `319900401`. Undefined for anything else, partly unknown dates included. */
export function parseBirthDate(text: string): JapanDay | undefined {
  const parts = BIRTH_DATE.exec(text);
  if (!parts) return undefined;
  const [year = 0, month = 0, date = 0] = [parts[1] ?? parts[4], parts[2] ?? parts[5], parts[3] ?? parts[6]].map(
    Number,
  );
  return exists(year, month, date) ? dayFrom(year, month, date) : undefined;
}

/** The day of a year, month (from 1) and date; throws RangeError for one that does not exist. */
export function dayFrom(year: number, month: number, date: number): JapanDay {
  return japanDay([pad(year, 4), pad(month, 2), pad(date, 2)].join('-'));
}

function partsOf(day: JapanDay): { year: number; month: number; date: number } {
  return { year: Number(day.slice(0, 4)), month: Number(day.slice(5, 7)), date: Number(day.slice(8, 10)) };
}

function exists(year: number, month: number, date: number): boolean {
  return year >= 1000 && month >= 1 && month <= 12 && date >= 1 && date <= lastDateOf(year, month);
}

function lastDateOf(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
