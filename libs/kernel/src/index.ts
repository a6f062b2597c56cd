export { type Clock, isoTime, realClock } from './clock.js';
export { type Branded, derivedId, idFromScope, isId, newId, type PersonId, timeOfId } from './ids.js';
export { addPoints, type Points, points, subtractPoints, sumPoints, zeroPoints } from './points.js';
export { type FieldError, ok, type Refusal, type Result, refuse } from './result.js';
