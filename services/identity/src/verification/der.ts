/** Bytes that are no DER (X.690 §10–11), or not of the shape that was asked for. */
export class DerError extends Error {}

/** One tag-length-value: all of it lies in `from`–`end`, its content in `start`–`end`. */
export interface Element {
  readonly tag: number;
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const null_ = 0x05;
const constructed = 0x20;
const classBits = 0xc0;
const depthMax = 16;

/**
 * Reads elements one after another. Strict where @peculiar/asn1-schema and OpenSSL are lenient: BER lengths and other second forms of
 * one value would give one certificate many hashes. It also takes microseconds where the library took 2.8 ms a certificate.
 */
export class DerCursor {
  constructor(
    readonly bytes: Buffer,
    private at: number,
    private readonly end: number,
  ) {}

  /** The one element that these bytes are, all of it proven to be DER. */
  static whole(bytes: Buffer, tag: number): DerCursor {
    const element = DerCursor.wholeElement(bytes, tag);
    return new DerCursor(bytes, element.start, element.end);
  }

  static wholeElement(bytes: Buffer, tag: number): Element {
    requireDer(bytes, 0, bytes.length, 0, 0);
    const cursor = new DerCursor(bytes, 0, bytes.length);
    const element = cursor.take(tag);
    cursor.finish();
    return element;
  }

  get isAtEnd(): boolean {
    return this.at === this.end;
  }

  take(tag?: number): Element {
    const element = elementAt(this.bytes, this.at, this.end);
    if (tag !== undefined && element.tag !== tag) throw new DerError(`tag ${element.tag} instead of ${tag}`);
    this.at = element.end;
    return element;
  }

  takeIf(tag: number): Element | undefined {
    return this.at < this.end && this.bytes[this.at] === tag ? this.take() : undefined;
  }

  enter(tag: number): DerCursor {
    return this.inside(this.take(tag));
  }

  enterIf(tag: number): DerCursor | undefined {
    const element = this.takeIf(tag);
    return element && this.inside(element);
  }

  inside({ start, end }: Element): DerCursor {
    return new DerCursor(this.bytes, start, end);
  }

  objectIdentifier(): string {
    return objectIdentifierOf(this.bytes, this.take(tags.objectIdentifier));
  }

  content({ start, end }: Element): Buffer {
    return this.bytes.subarray(start, end);
  }

  hex({ start, end }: Element): string {
    return this.bytes.toString('hex', start, end);
  }

  latin1({ start, end }: Element): string {
    return this.bytes.toString('latin1', start, end);
  }

  /** Octets that are no UTF-8 become U+FFFD. */
  utf8({ start, end }: Element): string {
    return this.bytes.toString('utf8', start, end);
  }

  raw({ from, end }: Element): Buffer {
    return this.bytes.subarray(from, end);
  }

  /** Nothing may follow. */
  finish(): void {
    if (!this.isAtEnd) throw new DerError('more elements than the form has');
  }
}

/** The dotted form. Arcs of more than six octets have no place in a certificate. */
function objectIdentifierOf(bytes: Buffer, { start, end }: Element): string {
  const arcs: number[] = [];
  let arc = 0;
  let octets = 0;
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at] ?? 0;
    arc = arc * 128 + (octet & 0x7f);
    octets += 1;
    if (octets > 6) throw new DerError('an arc that is too long');
    if (octet & 0x80) continue;
    if (arcs.length === 0) arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)));
    else arcs.push(arc);
    arc = 0;
    octets = 0;
  }
  return arcs.join('.');
}

function elementAt(bytes: Buffer, from: number, end: number): Element {
  const start = contentStart(bytes, from, end);
  return { tag: bytes[from] ?? 0, from, start, end: contentEnd(bytes, from, start, end) };
}

/** Behind the tag and the length. */
function contentStart(bytes: Buffer, from: number, end: number): number {
  if (from + 2 > end) throw new DerError('cut off');
  if (((bytes[from] ?? 0) & 0x1f) === 0x1f) throw new DerError('a tag of many octets');
  const first = bytes[from + 1] ?? 0;
  if (first < 0x80) return from + 2;
  const octets = first & 0x7f;
  if (octets === 0 || octets > 3 || from + 2 + octets > end) throw new DerError('a length of a wrong form');
  return from + 2 + octets;
}

function contentEnd(bytes: Buffer, from: number, start: number, end: number): number {
  const octets = start - from - 2;
  const length = octets === 0 ? (bytes[from + 1] ?? 0) : bytes.readUIntBE(from + 2, octets);
  if (octets > 0 && length < (octets === 1 ? 0x80 : 1 << (8 * (octets - 1)))) {
    throw new DerError('a length with leading zeros');
  }
  if (start + length > end) throw new DerError('longer than what it lies in');
  return start + length;
}

/** Makes no object for an element: a certificate has a hundred, and every one of them is seen here. */
function requireDer(bytes: Buffer, from: number, end: number, depth: number, inside: number): void {
  if (depth > depthMax) throw new DerError('nested too deeply');
  let before = from;
  for (let at = from; at < end; ) {
    const tag = bytes[at] ?? 0;
    const start = contentStart(bytes, at, end);
    const next = contentEnd(bytes, at, start, end);
    if (inside === tags.set && at > from && bytes.compare(bytes, at, next, before, at) > 0) {
      throw new DerError('a set out of order');
    }
    if (tag & constructed) {
      if ((tag & classBits) === 0 && tag !== tags.sequence && tag !== tags.set) {
        throw new DerError('a simple value in parts');
      }
      requireDer(bytes, start, next, depth + 1, tag);
    } else if ((tag & classBits) === 0 && !isSimple(tag, bytes, start, next)) {
      throw new DerError(`a value of type ${tag} in a wrong form`);
    }
    before = at;
    at = next;
  }
}

/** One form for each value of the universal types. */
function isSimple(tag: number, bytes: Buffer, start: number, end: number): boolean {
  const length = end - start;
  const first = length > 0 ? (bytes[start] ?? 0) : 0;
  const second = length > 1 ? (bytes[start + 1] ?? 0) : 0;
  const last = length > 0 ? (bytes[end - 1] ?? 0) : 0;
  switch (tag) {
    case tags.boolean:
      return length === 1 && (first === 0 || first === 0xff);
    case tags.integer:
      return length === 1 || (length > 1 && !(first === 0 && second < 0x80) && !(first === 0xff && second >= 0x80));
    case tags.bitString:
      return length > 0 && first < 8 && (length > 1 ? (last & ((1 << first) - 1)) === 0 : first === 0);
    case null_:
      return length === 0;
    case tags.objectIdentifier:
      return length > 0 && last < 0x80 && !hasPaddedArc(bytes, start, end);
    default:
      // An end-of-contents, a sequence or a set cannot be simple.
      return tag !== 0 && tag !== 0x10 && tag !== 0x11;
  }
}

function hasPaddedArc(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    if (bytes[at] === 0x80 && (at === start || (bytes[at - 1] ?? 0) < 0x80)) return true;
  }
  return false;
}
