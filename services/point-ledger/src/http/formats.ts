import { isId } from '@tsunagu/kernel';
import { type Caller, Problem } from '@tsunagu/service-host';

/** No control characters, halves of surrogate pairs, line or paragraph separators, and not blank. */
export const plainText = /^(?=.*\S)[^\p{Cc}\p{Cs}\u2028\u2029]*$/u;

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** The instant (ms) of an ISO 8601 time with an offset, in the years 1900 to 9999; undefined for anything else. */
export function instantOf(text: string): number | undefined {
  // A plus sign that was not encoded in a query arrives as a space.
  const time = text.replace(/ (\d{2}:\d{2})$/, '+$1');
  const ms = INSTANT.test(time) ? Date.parse(time) : Number.NaN;
  return ms >= Date.UTC(1900, 0) && ms < Date.UTC(10_000, 0) ? ms : undefined;
}

/** An id out of a path; one that is not well-formed names nothing. */
export function idFromPath(text: string): string {
  if (!isId(text)) throw new Problem({ code: 'request.not_found' });
  return text;
}

/** The owner a staff member works for. Every staff token has one. */
export function ownerOf({ ownerId }: Caller): string {
  if (ownerId === null) throw new Problem({ code: 'auth.role_required' });
  return ownerId;
}

/** A place in a list, as an opaque cursor: whole numbers from the row last shown. */
export function cursorOf(place: readonly number[]): string {
  return Buffer.from(place.join('.')).toString('base64url');
}

/** The place in a cursor; a text that no list gave out is refused. */
export function placeOf(cursor: string | undefined, length: number): readonly number[] | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const place = /^\d+(\.\d+)*$/.test(text) ? text.split('.').map(Number) : [];
  if (place.length === length && place.every(Number.isSafeInteger)) return place;
  const message = 'cursor must be the nextCursor of an earlier answer';
  throw new Problem({ code: 'request.invalid', errors: [{ field: 'cursor', code: 'unknown', message }] });
}
