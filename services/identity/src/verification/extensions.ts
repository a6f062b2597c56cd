import { DerCursor, DerError, tags } from './der.js';
import { textOf } from './names.js';

/** What the extensions of a certificate say (RFC 5280 §4.2.1). */
export interface Extensions {
  /** Hex. */
  readonly authorityKeyId: string | null;
  /** Hex. */
  readonly subjectKeyId: string | null;
  /** Where its revocation would be told: the first URI of the first distribution point. */
  readonly issuingPoint: string | null;
  /** Where its state can be asked: the first OCSP address. */
  readonly ocspUri: string | null;
  readonly policies: readonly string[];
  /** Bits as in `KeyUsageFlags` of @peculiar/x509: the first named bit is 1, the next 2. */
  readonly keyUsages: number;
  /** Null where the extension is absent, which allows every use. */
  readonly extendedKeyUsages: readonly string[] | null;
  readonly isAuthority: boolean;
  readonly pathLength: number | null;
  /** DER of NameConstraints. */
  readonly nameConstraints: Buffer | null;
  /** otherName values by type: the attributes of a signature certificate. */
  readonly otherNames: ReadonlyMap<string, string>;
  /** Context tags of the kinds of name in subjectAltName. */
  readonly alternativeNameTags: ReadonlySet<number>;
  /** It says critical things that are not read here. */
  readonly hasUnknownCritical: boolean;
  readonly hasDuplicate: boolean;
}

type Found = { -readonly [Name in keyof Extensions]: Extensions[Name] };
type Read = (value: Buffer, found: Found) => void;

const criticalTrue = 0xff;
const context = (number: number) => 0x80 | number;
const contextConstructed = (number: number) => 0xa0 | number;
const uriTag = context(6);
const ocspMethod = '1.3.6.1.5.5.7.48.1';

/** By the hex of the type's DER content; a critical extension that is not here is unknown. */
const readers: Readonly<Record<string, Read>> = {
  '551d0e': (value, found) => {
    found.subjectKeyId = contentOf(value, tags.octetString).toString('hex');
  },
  '551d0f': (value, found) => {
    found.keyUsages = namedBits(value);
  },
  '551d11': readAlternativeNames,
  '551d13': (value, found) => {
    const constraints = DerCursor.whole(value, tags.sequence);
    const authority = constraints.takeIf(tags.boolean);
    if (authority) found.isAuthority = requireTrue(constraints.content(authority));
    const length = constraints.takeIf(tags.integer);
    if (length) found.pathLength = smallNumber(constraints.content(length));
    constraints.finish();
  },
  '551d1e': (value, found) => {
    DerCursor.whole(value, tags.sequence);
    found.nameConstraints = value;
  },
  '551d1f': (value, found) => {
    const points = DerCursor.whole(value, tags.sequence);
    const name = points.enter(tags.sequence).enterIf(contextConstructed(0))?.enterIf(contextConstructed(0));
    if (name) found.issuingPoint = firstUri(name);
  },
  '551d20': (value, found) => {
    const policies: string[] = [];
    for (const list = DerCursor.whole(value, tags.sequence); !list.isAtEnd; ) {
      policies.push(list.enter(tags.sequence).objectIdentifier());
    }
    found.policies = policies;
  },
  '551d23': (value, found) => {
    const identifier = DerCursor.whole(value, tags.sequence);
    const key = identifier.takeIf(context(0));
    found.authorityKeyId = key ? identifier.hex(key) : null;
  },
  '551d25': (value, found) => {
    const usages: string[] = [];
    for (const list = DerCursor.whole(value, tags.sequence); !list.isAtEnd; ) usages.push(list.objectIdentifier());
    found.extendedKeyUsages = usages;
  },
  // Authority information access; never critical (RFC 5280 §4.2.2.1), so that it counts as read does no harm.
  '2b06010505070101': (value, found) => {
    for (const list = DerCursor.whole(value, tags.sequence); !list.isAtEnd; ) {
      const description = list.enter(tags.sequence);
      const method = description.objectIdentifier();
      if (method === ocspMethod && found.ocspUri === null) found.ocspUri = firstUri(description);
    }
  },
};

/** Of a certificate without any (version 1 and 2, or none written). */
export function noExtensions(): Found {
  return {
    authorityKeyId: null,
    subjectKeyId: null,
    issuingPoint: null,
    ocspUri: null,
    policies: [],
    keyUsages: 0,
    extendedKeyUsages: null,
    isAuthority: false,
    pathLength: null,
    nameConstraints: null,
    otherNames: new Map(),
    alternativeNameTags: new Set(),
    hasUnknownCritical: false,
    hasDuplicate: false,
  };
}

/** `list`: inside the SEQUENCE OF Extension. Throws DerError for what is none. */
export function readExtensions(list: DerCursor): Extensions {
  const found = noExtensions();
  const seen = new Set<string>();
  do {
    const extension = list.enter(tags.sequence);
    const type = extension.hex(extension.take(tags.objectIdentifier));
    const criticality = extension.takeIf(tags.boolean);
    // FALSE is the default, which DER leaves out (X.690 §11.5).
    const critical = criticality !== undefined && requireTrue(extension.content(criticality));
    const value = extension.content(extension.take(tags.octetString));
    extension.finish();
    if (seen.has(type)) found.hasDuplicate = true;
    seen.add(type);
    const read = readers[type];
    if (read) read(value, found);
    else if (critical) found.hasUnknownCritical = true;
  } while (!list.isAtEnd);
  return found;
}

function readAlternativeNames(value: Buffer, found: Found): void {
  const names = DerCursor.whole(value, tags.sequence);
  const otherNames = new Map<string, string>();
  const kinds = new Set<number>();
  while (!names.isAtEnd) {
    const name = names.take();
    kinds.add(name.tag);
    if (name.tag !== contextConstructed(0)) continue;
    const other = names.inside(name);
    const type = other.objectIdentifier();
    const explicit = other.enter(contextConstructed(0));
    const text = textOf(explicit, explicit.take());
    explicit.finish();
    other.finish();
    if (text !== undefined) otherNames.set(type, text);
  }
  found.otherNames = otherNames;
  found.alternativeNameTags = kinds;
}

function firstUri(names: DerCursor): string | null {
  while (!names.isAtEnd) {
    const name = names.take();
    if (name.tag === uriTag) return names.latin1(name);
  }
  return null;
}

function namedBits(value: Buffer): number {
  const [unused = 0, ...bits] = contentOf(value, tags.bitString);
  // Named bits end with the last one set (X.690 §11.2.2).
  if (bits.length > 0 && (((bits.at(-1) ?? 0) >> unused) & 1) === 0)
    throw new DerError('named bits that end with zeros');
  if (bits.length > 2) throw new DerError('more usages than there are');
  let flags = 0;
  for (let bit = 0; bit < 8 * bits.length; bit += 1) {
    if ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) flags |= 1 << bit;
  }
  return flags;
}

function smallNumber(content: Buffer): number {
  if (content.length > 2) throw new DerError('a number that is too large');
  return content.readIntBE(0, content.length);
}

function contentOf(value: Buffer, tag: number): Buffer {
  const { start, end } = DerCursor.wholeElement(value, tag);
  return value.subarray(start, end);
}

function requireTrue(content: Buffer): boolean {
  if (content[0] !== criticalTrue) throw new DerError('a default that is written');
  return true;
}
