import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { hasSigned } from './proving.js';

const nonce = randomBytes(32);

it.each([
  ['today’s card', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'],
  ['the next card', generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sha384'],
] as const)('a signature of %s is known by its key', (_name, { publicKey, privateKey }, algorithm) => {
  const signature = sign(algorithm, nonce, privateKey);
  expect(hasSigned(publicKey, nonce, signature)).toBe(true);
  expect(hasSigned(publicKey, randomBytes(32), signature)).toBe(false);
  expect(hasSigned(publicKey, nonce, sign('sha512', nonce, privateKey))).toBe(false);
  expect(hasSigned(publicKey, nonce, randomBytes(20))).toBe(false);
});
