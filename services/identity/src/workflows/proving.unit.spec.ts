import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { hasSigned } from './proving.js';

const nonce = randomBytes(32);

it.each([
  ['rsa', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'],
  ['p384', generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sha384'],
] as const)('a signature of the profile %s is known by its key', (keyProfile, { publicKey, privateKey }, algorithm) => {
  const key = { publicKey, keyProfile };
  const signature = sign(algorithm, nonce, privateKey);
  expect(hasSigned(key, nonce, signature)).toBe(true);
  expect(hasSigned(key, randomBytes(32), signature)).toBe(false);
  expect(hasSigned(key, nonce, sign('sha512', nonce, privateKey))).toBe(false);
  expect(hasSigned(key, nonce, randomBytes(20))).toBe(false);
});
