export { type Clock, isoTime, realClock } from './clock.js';
export {
  EventVersions,
  UnknownVersion,
  type UpcastSteps,
  type UpcastTable,
  type VersionedEvent,
} from './event-versions.js';
export { type Branded, derivedId, idFromScope, isId, newId, type PersonId, timeOfId } from './ids.js';
export {
  addDays,
  addMonths,
  ageAt,
  dayFrom,
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
export { isBankBusinessDay, isNationalHoliday, nextBankBusinessDay } from './japan-holidays.js';
export { holdsMyNumber, isMyNumber } from './my-number.js';
export { addPoints, type Points, points, subtractPoints, sumPoints, zeroPoints } from './points.js';
export { RecentMap } from './recent-map.js';
export { type FieldError, ok, type Refusal, type Result, refuse } from './result.js';
