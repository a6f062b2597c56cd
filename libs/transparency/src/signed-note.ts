import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';

/** C2SP signed-note: a text with signatures under it (https://c2sp.org/signed-note). */

/** The signature type of Ed25519. */
const ED25519 = 1;
const KEY_HASH_BYTES = 4;
const SIGNATURE_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;
/** A note is refused unread beyond this length, and beyond so many signatures. */
const NOTE_CHARACTERS_MAX = 100_000;
const SIGNATURES_MAX = 16;
const NAME = /^[^\s+\p{C}]{1,200}$/u;

/** A public key under the name that it signs as. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyHash: Buffer;
  readonly publicKey: KeyObject;
}

/** The public key of `name` as a line of text: `<name>+<key hash>+<base64 of type and key>`. */
export function verifierText(name: string, publicKey: KeyObject): string {
  if (!NAME.test(name)) throw new Error(`not a key name: ${name}`);
  const raw = rawKey(publicKey);
  return `${name}+${keyHashOf(name, raw).toString('hex')}+${typed(raw).toString('base64')}`;
}

/** Undefined for a text that is no Ed25519 verifier key, or whose key hash is another's. */
export function parseVerifier(text: string): NoteVerifier | undefined {
  const [, name = '', keyHash = '', key = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim()) ?? [];
  const bytes = fromBase64(key);
  if (!NAME.test(name) || bytes?.length !== 1 + PUBLIC_KEY_BYTES || bytes[0] !== ED25519) return undefined;
  const raw = bytes.subarray(1);
  const expected = keyHashOf(name, raw);
  if (expected.toString('hex') !== keyHash) return undefined;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') };
  return { name, keyHash: expected, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) };
}

/** The text, which ends with a line break, an empty line, and the signature's line. */
export function signNote(text: string, name: string, privateKey: KeyObject): string {
  if (!NAME.test(name)) throw new Error(`not a key name: ${name}`);
  if (!text.endsWith('\n')) throw new Error('a note ends with a line break');
  const keyHash = keyHashOf(name, rawKey(createPublicKey(privateKey)));
  const signature = sign(null, Buffer.from(text), privateKey);
  return `${text}\n— ${name} ${Buffer.concat([keyHash, signature]).toString('base64')}\n`;
}

/**
 * The text of a note that one of the keys has signed. Undefined where none has, where a signature under a known key is
 * wrong, or where it is no note. Signatures of unknown keys are passed over.
 */
export function openNote(
  note: string,
  verifiers: readonly NoteVerifier[],
): { text: string; signer: string } | undefined {
  const parts = splitNote(note);
  if (!parts) return undefined;
  let signer: string | undefined;
  for (const line of parts.signatures) {
    const [, name = '', encoded = ''] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = fromBase64(encoded);
    if (!NAME.test(name) || !bytes) return undefined;
    const keyHash = bytes.subarray(0, KEY_HASH_BYTES);
    const known = verifiers.find((verifier) => verifier.name === name && verifier.keyHash.equals(keyHash));
    if (!known) continue;
    const signature = bytes.subarray(KEY_HASH_BYTES);
    if (signature.length !== SIGNATURE_BYTES) return undefined;
    if (!verify(null, Buffer.from(parts.text), known.publicKey, signature)) return undefined;
    signer ??= name;
  }
  return signer === undefined ? undefined : { text: parts.text, signer };
}

/** Text and signature lines, whoever signed. Undefined where it is no note. */
export function splitNote(note: string): { text: string; signatures: readonly string[] } | undefined {
  if (note.length > NOTE_CHARACTERS_MAX || !note.endsWith('\n')) return undefined;
  const end = note.lastIndexOf('\n\n');
  if (end === -1) return undefined;
  const signatures = note.slice(end + 2, -1).split('\n');
  if (signatures.length > SIGNATURES_MAX) return undefined;
  return { text: note.slice(0, end + 1), signatures };
}

/** Undefined for a text that is not the one way to write its bytes. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function typed(raw: Buffer): Buffer {
  return Buffer.concat([Buffer.of(ED25519), raw]);
}

function rawKey(publicKey: KeyObject): Buffer {
  const { crv, x } = publicKey.export({ format: 'jwk' });
  if (crv !== 'Ed25519' || !x) throw new Error('notes are signed with Ed25519 keys');
  return Buffer.from(x, 'base64url');
}

function keyHashOf(name: string, raw: Buffer): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed(raw)]), 'buffer').subarray(0, KEY_HASH_BYTES);
}
