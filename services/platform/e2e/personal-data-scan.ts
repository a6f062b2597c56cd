import { createHash, X509Certificate } from 'node:crypto';
import type { Card } from '@tsunagu/testing';

/** Something that must not be found, and every way in which it could be written. */
export interface Secret {
  readonly what: string;
  readonly forms: readonly RegExp[];
}

/** A text that is looked through, and where it stands. */
export interface Place {
  readonly where: string;
  readonly text: string;
}

/** Each place with each secret found in it. Escapes of JSON are undone first. */
export function findSecrets(places: Iterable<Place>, secrets: readonly Secret[]): string[] {
  const found: string[] = [];
  for (const { where, text } of places) {
    const plain = text.replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    for (const { what, forms } of secrets) {
      if (forms.some((form) => form.test(plain))) found.push(`${what} in ${where}`);
    }
  }
  return found;
}

/**
 * The value as it is, as a part of an address, in hex and base64, in the midst of something longer too (a token, say), and under a
 * plain hash, which anybody could try values against.
 */
export function secret(what: string, value: string): Secret {
  const bytes = Buffer.from(value, 'utf8');
  const inner = bytes.length < 8 ? [] : [bytes.toString('hex'), ...base64Within(bytes)];
  return {
    what,
    forms: [
      ...[...new Set([value, encodeURIComponent(value)])].map(wholeWord),
      ...inner.map(anywhere),
      ...hashesOf(bytes),
    ],
  };
}

/** How bytes look within longer base64: by where they begin, without the characters that others have a part in. */
function base64Within(bytes: Buffer): string[] {
  const found = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const certain = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [certain, certain.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [...new Set(found)];
}

/** A day as dates are written, the card's own way (era, then digits) among them. */
export function dateSecret(what: string, day: string): Secret {
  const [year = '', month = '', date = ''] = day.split('-');
  const short = (text: string) => `0?${Number(text)}`;
  return {
    what,
    forms: [
      new RegExp(`(?<!\\d)[1-5]?${year}${month}${date}(?!\\d)`),
      new RegExp(`${year}[-/.]${short(month)}[-/.]${short(date)}(?!\\d)`),
      new RegExp(`${year}年${short(month)}月${short(date)}日`),
    ],
  };
}

/** All that a card's certificates tell of its holder and of themselves. */
export function cardSecrets(who: string, card: Card): Secret[] {
  const pairs = [
    ['authentication', card.certificate, card.privateKey],
    ['signature', card.signatureCertificate, card.signaturePrivateKey],
  ] as const;
  return pairs.flatMap(([kind, base64, privateKey]) => {
    if (base64 === undefined || privateKey === undefined) return [];
    const der = Buffer.from(base64, 'base64');
    const { serialNumber, subject } = new X509Certificate(der);
    const commonName = /CN=([^\n]+)/.exec(subject)?.[1] ?? '';
    return [
      secret(`${kind} CN of ${who}`, commonName),
      // The MyKey ID is its beginning.
      secret(`${kind} card string of ${who}`, commonName.slice(0, 14)),
      secret(`${kind} serial of ${who}`, serialNumber.toUpperCase()),
      secret(`${kind} serial of ${who}`, serialNumber.toLowerCase()),
      secret(`${kind} serial of ${who}`, BigInt(`0x${serialNumber}`).toString()),
      {
        what: `${kind} certificate of ${who}`,
        forms: [anywhere(base64.slice(200, 260)), anywhere(der.toString('hex', 150, 200))],
      },
      { what: `${kind} certificate hash of ${who}`, forms: hashesOf(der) },
      { what: `${kind} private key of ${who}`, forms: [anywhere(privateKey.slice(200, 260))] },
    ];
  });
}

/** The UTF-8 texts of a certificate: of a signature certificate, name and address in its subjectAltName. */
export function textsOf(base64: string): string[] {
  const der = Buffer.from(base64, 'base64');
  const found: string[] = [];
  const walk = (from: number, to: number): boolean => {
    let at = from;
    const before = found.length;
    while (at < to) {
      const tag = der[at] ?? 0;
      const first = der[at + 1] ?? 0;
      const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
      if (lengthBytes > 3) return give(before);
      const start = at + 2 + lengthBytes;
      const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
      if (start + length > to) return give(before);
      if (tag === 0x0c) found.push(der.toString('utf8', start, start + length));
      // Constructed values hold others; an octet string may.
      else if ((tag & 0x20) !== 0 || tag === 0x04) walk(start, start + length);
      at = start + length;
    }
    return true;
  };
  const give = (length: number): false => {
    found.length = length;
    return false;
  };
  walk(0, der.length);
  return found;
}

function hashesOf(der: Buffer): RegExp[] {
  const hash = createHash('sha256').update(der).digest();
  return [hash.toString('hex'), hash.toString('base64').replace(/=+$/, ''), hash.toString('base64url')].map(anywhere);
}

function anywhere(text: string): RegExp {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
}

/** Not as a part of a longer run of ASCII letters and digits, such as an id's. */
function wholeWord(text: string): RegExp {
  return new RegExp(`(?<![0-9A-Za-z])${text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![0-9A-Za-z])`);
}
