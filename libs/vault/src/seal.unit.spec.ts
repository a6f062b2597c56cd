import { randomBytes } from 'node:crypto';
import { keyedHash, open, seal, secretKey } from './index.js';

const key = secretKey(randomBytes(32));
const other = secretKey(randomBytes(32));

it('a keyed hash finds the same text again, per purpose and key', () => {
  expect(keyedHash(key, 'account', '1234')).toBe(keyedHash(key, 'account', '1234'));
  expect(keyedHash(key, 'account', '1234')).not.toBe(keyedHash(key, 'reference', '1234'));
  expect(keyedHash(key, 'account', '1234')).not.toBe(keyedHash(other, 'account', '1234'));
  expect(keyedHash(key, 'account', '1234')).toMatch(/^[\w-]{43}$/);
});

it('a key of another length is refused', () => {
  expect(() => secretKey(randomBytes(16))).toThrow(RangeError);
});

describe('a sealed value', () => {
  const sealed = seal(key, 'row 1', { account: '1234567' });

  it('opens with its key and for its context only', () => {
    expect(open(key, 'row 1', sealed)).toEqual({ account: '1234567' });
    expect(sealed.includes('1234567')).toBe(false);
    expect(() => open(key, 'row 2', sealed)).toThrow();
    expect(() => open(other, 'row 1', sealed)).toThrow();
  });

  it('does not open with any byte changed', () => {
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => open(key, 'row 1', changed)).toThrow();
    }
  });
});
