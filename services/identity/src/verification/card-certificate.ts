import { hash } from 'node:crypto';
import { DerCursor, DerError, type Element, tags } from './der.js';
import { type Extensions, noExtensions, readExtensions } from './extensions.js';
import { type DistinguishedName, readName } from './names.js';
import { type ProfileName, profileOfKey, profileOfSignature } from './profiles.js';

/** A certificate from a card, read but not yet believed. */
export interface CardCertificate extends Extensions {
  readonly der: Buffer;
  /** SHA-256 of the DER, hex: how link data names it. */
  readonly hash: string;
  /** Hex, without leading zeros. */
  readonly serial: string;
  readonly commonName: string;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly validFromMs: number;
  readonly validToMs: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Buffer;
  /** Null: a key that is on no list. */
  readonly keyProfile: ProfileName | null;
  /** Of the signature that it bears, inside and outside alike; null: an algorithm that is on no list. */
  readonly signatureProfile: ProfileName | null;
  /** A rule of RFC 5280 §4.1 that it breaks, null for none. */
  readonly fault: string | null;
  readonly isTest: boolean;
}

/** What the fields before the extensions make wrong, in words. */
interface TbsFields {
  readonly serial: Buffer;
  readonly isVersion3: boolean;
  readonly algorithm: Buffer;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly validity: Validity;
  readonly publicKeyDer: Buffer;
  readonly keyProfile: ProfileName | null;
  readonly hasUniqueIds: boolean;
  readonly extensions: Extensions;
}

interface Validity {
  readonly fromMs: number;
  readonly toMs: number;
  /** UTCTime until 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
  readonly isInRightForm: boolean;
}

const explicit = (number: number) => 0xa0 | number;
const implicit = (number: number) => 0x80 | number;
const serialOctetsMax = 20;
const emptyNameOctets = 2;
const testOrganisation = 'JPKI-TEST';
const generalizedFromMs = Date.UTC(2050, 0, 1);

/**
 * Undefined for bytes that are no X.509 certificate in DER: anything but one whole element of that form. What is one, but breaks a rule or
 * stands on no list, says so in `fault`, `keyProfile` and `signatureProfile`.
 */
export function readCertificate(der: Buffer): CardCertificate | undefined {
  try {
    return certificateFrom(der);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function certificateFrom(der: Buffer): CardCertificate {
  const outer = DerCursor.whole(der, tags.sequence);
  const fields = readTbs(outer.enter(tags.sequence));
  const algorithm = outer.raw(outer.take(tags.sequence));
  const signature = outer.content(outer.take(tags.bitString));
  outer.finish();
  const { serial, issuer, subject, validity } = fields;
  const fault = faultOf(fields, algorithm, signature);
  return {
    ...fields.extensions,
    der,
    hash: hash('sha256', der),
    serial: serial.toString('hex').replace(/^0+/, ''),
    commonName: subject.commonName,
    issuer,
    subject,
    validFromMs: validity.fromMs,
    validToMs: validity.toMs,
    publicKeyDer: fields.publicKeyDer,
    keyProfile: fields.keyProfile,
    signatureProfile: profileOfSignature(algorithm),
    fault,
    isTest: [...issuer.organisations, ...subject.organisations].includes(testOrganisation),
  };
}

function readTbs(tbs: DerCursor): TbsFields {
  const version = tbs.enterIf(explicit(0));
  const number = version ? version.content(version.take(tags.integer)) : Buffer.of(0);
  version?.finish();
  if (number.length !== 1 || (version && number[0] === 0)) throw new DerError('no version of X.509');
  const serial = tbs.content(tbs.take(tags.integer));
  const algorithm = tbs.raw(tbs.take(tags.sequence));
  const issuer = readName(tbs);
  const validity = readValidity(tbs.enter(tags.sequence));
  const subject = readName(tbs);
  const key = tbs.take(tags.sequence);
  const uniqueIds = [tbs.takeIf(implicit(1)), tbs.takeIf(implicit(2))];
  const extensions = tbs.enterIf(explicit(3));
  const found = extensions ? readExtensions(extensions.enter(tags.sequence)) : noExtensions();
  extensions?.finish();
  tbs.finish();
  return {
    serial,
    isVersion3: number[0] === 2,
    algorithm,
    issuer,
    subject,
    validity,
    publicKeyDer: tbs.raw(key),
    keyProfile: profileOfKey(tbs.inside(key)),
    hasUniqueIds: uniqueIds.some((id) => id !== undefined),
    extensions: found,
  };
}

function faultOf(fields: TbsFields, outerAlgorithm: Buffer, signature: Buffer): string | null {
  const { serial, extensions } = fields;
  const [first = 0] = serial;
  if (!fields.isVersion3) return 'It is not of version 3.';
  if (first >= 0x80) return 'Its serial number is negative.';
  if (serial.length === 1 && first === 0) return 'Its serial number is zero.';
  if (serial.length > serialOctetsMax) return 'Its serial number is too long.';
  if (!fields.algorithm.equals(outerAlgorithm)) return 'It names two signature algorithms.';
  if (signature[0] !== 0) return 'Its signature is no whole number of octets.';
  if (!fields.validity.isInRightForm) return 'Its times are in a wrong form.';
  if (fields.issuer.raw.length === emptyNameOctets) return 'It names no issuer.';
  if (fields.subject.commonName === '' && !extensions.isAuthority) return 'It has no common name.';
  if (fields.hasUniqueIds) return 'It has unique identifiers.';
  if (extensions.hasDuplicate) return 'It has an extension twice.';
  if (extensions.pathLength !== null && !extensions.isAuthority) return 'It has a path length and is no authority.';
  if (extensions.nameConstraints && !extensions.isAuthority) return 'It has name constraints and is no authority.';
  return null;
}

function readValidity(validity: DerCursor): Validity {
  const from = readTime(validity, validity.take());
  const to = readTime(validity, validity.take());
  validity.finish();
  return { fromMs: from.ms, toMs: to.ms, isInRightForm: from.isInRightForm && to.isInRightForm };
}

/** YYMMDDHHMMSSZ, 50–99 being of the last century, or YYYYMMDDHHMMSSZ. */
function readTime(at: DerCursor, element: Element): { ms: number; isInRightForm: boolean } {
  const short = element.tag === tags.utcTime;
  if (!short && element.tag !== tags.generalizedTime) throw new DerError('no time');
  const text = at.latin1(element);
  if (!(short ? /^\d{12}Z$/ : /^\d{14}Z$/).test(text)) throw new DerError('a time in a wrong form');
  const after = short ? 2 : 4;
  const two = (index: number) => Number(text.slice(after + 2 * index, after + 2 * index + 2));
  const year = Number(text.slice(0, after));
  const fullYear = short ? year + (year < 50 ? 2000 : 1900) : year;
  const [month, day, hour, minute, second] = [two(0), two(1), two(2), two(3), two(4)];
  const ms = Date.UTC(fullYear, month - 1, day, hour, minute, second);
  const date = new Date(ms);
  // 31 February and 24:60 would be another time.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
    throw new DerError('no time of the calendar');
  }
  return { ms, isInRightForm: short === ms < generalizedFromMs };
}
