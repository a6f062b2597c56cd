import { hash, randomFillSync } from 'node:crypto';

/** A string that must not be mixed up with another kind of string. */
export type Branded<B extends string> = string & { readonly __brand: B };
export type PersonId = Branded<'PersonId'>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME_OF_ID = /^[0-9a-f]{8}-[0-9a-f]{4}/;
const VARIANTS = '89ab';
const MS_MAX = 2 ** 48 - 1;

let lastMs = 0;
let sequence = 0;
/** Random bytes drawn ahead: one call to the source for 512 ids instead of one each. */
const random = Buffer.allocUnsafe(8 * 512);
let randomUsed = random.length;

/**
 * A UUIDv7 (RFC 9562 §5.7) for the given time: 48 bits of milliseconds, a 12-bit sequence that rises within a
 * millisecond of this process, 62 random bits. Ids made in time order sort in time order, up to 4,096 in a millisecond.
 */
export function newId(nowMs: number): string {
  if (nowMs === lastMs) sequence = (sequence + 1) & 0xfff;
  else {
    lastMs = nowMs;
    sequence = 0;
  }
  const bytes = Buffer.allocUnsafe(16);
  if (randomUsed === random.length) {
    randomFillSync(random);
    randomUsed = 0;
  }
  random.copy(bytes, 8, randomUsed, randomUsed + 8);
  randomUsed += 8;
  bytes.writeUIntBE(checkedMs(nowMs), 0, 6);
  bytes.writeUInt16BE(0x7000 | sequence, 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return format(bytes);
}

/**
 * The id that a cause always leads to: UUIDv8 (RFC 9562 §5.8), the cause's 48-bit time, then bits of SHA-256(purpose, cause id).
 * The same purpose and cause give the same id for ever, so what is done again is recognised as done.
 */
export function derivedId(purpose: string, causeId: string): string {
  if (!TIME_OF_ID.test(causeId)) throw new RangeError(`no time in a cause's id: ${causeId}`);
  return uuid8(hash('sha256', `${purpose}\0${causeId}`, 'hex'), causeId.slice(0, 13));
}

/**
 * A UUIDv8 from a hash alone, for scopes that have no time of their own (an idempotency key, a test fixture). It begins with
 * sixteen zeros, before every id with a time: behind a single id that comes last, no new one goes to the end of its index
 * any more, and each append has to look its place up.
 */
export function idFromScope(scope: string): string {
  const digest = hash('sha256', scope, 'hex');
  return uuid8(digest, `0000${digest.slice(0, 4)}-${digest.slice(4, 8)}`);
}

/** The 48-bit millisecond time inside a UUIDv7 or a derived id. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Whether a text is a UUID in lower case, versions 1 to 8. */
export function isId(text: unknown): text is string {
  return typeof text === 'string' && UUID.test(text);
}

/** From the hexadecimal digest, but for the 48 bits of time at the beginning, which are given as they are written. */
function uuid8(digest: string, time: string): string {
  const variant = VARIANTS.charAt(Number.parseInt(digest.charAt(16), 16) & 3);
  return `${time}-8${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

function checkedMs(ms: number): number {
  if (!Number.isInteger(ms) || ms < 0 || ms > MS_MAX) throw new RangeError(`not a millisecond time: ${ms}`);
  return ms;
}

function format(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
