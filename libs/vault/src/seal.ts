import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const format = 1;
const ivBytes = 12;
const tagBytes = 16;

/** A key object of a 256-bit secret: made once and kept, never a raw buffer a call. Throws RangeError for another length. */
export function secretKey(secret: Buffer): KeyObject {
  if (secret.length !== 32) throw new RangeError('a vault key has 32 bytes');
  return createSecretKey(secret);
}

/** HMAC-SHA-256 of a text for one purpose, base64url: the same text is found again, and nobody without the key can try texts. */
export function keyedHash(key: KeyObject, purpose: string, text: string): string {
  return createHmac('sha256', key).update(purpose).update('\0').update(text).digest('base64url');
}

/**
 * Encrypts a JSON value with AES-256-GCM. `context` (whose value it is) is authenticated: a sealed value moved to another
 * row does not open. Layout: format byte, 12-byte IV, 16-byte tag, ciphertext. Random IVs: fewer than 2^32 values a key.
 */
export function seal(key: KeyObject, context: string, value: unknown): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(context));
  const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.from([format]), iv, cipher.getAuthTag(), text]);
}

/** The value. Throws when it was changed, sealed with another key or for another context. */
export function open<T>(key: KeyObject, context: string, sealed: Buffer): T {
  if (sealed[0] !== format || sealed.length < 1 + ivBytes + tagBytes) throw new Error('Not a sealed value.');
  const iv = sealed.subarray(1, 1 + ivBytes);
  const tag = sealed.subarray(1 + ivBytes, 1 + ivBytes + tagBytes);
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(context)).setAuthTag(tag);
  const text = Buffer.concat([decipher.update(sealed.subarray(1 + ivBytes + tagBytes)), decipher.final()]);
  return JSON.parse(text.toString('utf8')) as T;
}
