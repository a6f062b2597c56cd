import { isUtf8 } from 'node:buffer';
import { type DerCursor, DerError, type Element, tags } from './der.js';

/** A distinguished name as it stands in a certificate. */
export interface DistinguishedName {
  /** DER: names are compared octet by octet, as RFC 5280 §4.1.2.4 lets an authority write its own name. */
  readonly raw: Buffer;
  readonly commonName: string;
  readonly organisations: readonly string[];
}

/** DER content of the attribute types 2.5.4.3 and 2.5.4.10. */
const commonNameType = '550403';
const organisationType = '55040a';
const replacement = '\ufffd';

/** Throws DerError for what is no name. */
export function readName(at: DerCursor): DistinguishedName {
  const element = at.take(tags.sequence);
  const name = at.inside(element);
  const organisations: string[] = [];
  let commonName = '';
  while (!name.isAtEnd) {
    const attributes = name.enter(tags.set);
    do {
      const attribute = attributes.enter(tags.sequence);
      const type = attribute.hex(attribute.take(tags.objectIdentifier));
      const text = textOf(attribute, attribute.take());
      attribute.finish();
      if (type === commonNameType && commonName === '') commonName = text ?? '';
      if (type === organisationType && text !== undefined) organisations.push(text);
    } while (!attributes.isAtEnd);
  }
  return { raw: at.raw(element), commonName, organisations };
}

/** DER of each relative name, in order; `at` stands before the name. */
export function partsOfName(at: DerCursor): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (const name = at.enter(tags.sequence); !name.isAtEnd; ) parts.push(name.raw(name.take(tags.set)));
  return parts;
}

/** The text of a UTF8String, PrintableString or IA5String; undefined for another type. */
export function textOf(at: DerCursor, element: Element): string | undefined {
  switch (element.tag) {
    case tags.utf8String:
      return decoded(at, element);
    case tags.printableString:
    case tags.ia5String:
      return at.latin1(element);
    default:
      return undefined;
  }
}

function decoded(at: DerCursor, element: Element): string {
  const text = at.utf8(element);
  // What is no UTF-8 shows as the replacement character, which may also be meant.
  if (text.includes(replacement) && !isUtf8(at.content(element))) throw new DerError('a text that is no UTF-8');
  return text;
}
