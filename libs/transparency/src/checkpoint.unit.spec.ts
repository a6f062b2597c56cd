import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { checkpointText, openCheckpoint, originOf, parseCheckpoint, readCheckpoint } from './checkpoint.js';
import { emptyRoot } from './merkle.js';
import { openNote, parseVerifier, signNote, verifierText } from './signed-note.js';

/** The example of https://pkg.go.dev/golang.org/x/mod/sumdb/note. */
const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const skeyBytes = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const note = `${text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

const { privateKey } = generateKeyPairSync('ed25519');
const publicKey = createPublicKey(privateKey);
const origin = originOf('tsunagu.test', 'campaign', 0);

function verifierOf(line: string) {
  const verifier = parseVerifier(line);
  if (!verifier) throw new Error(`not a verifier: ${line}`);
  return verifier;
}

test('reads and makes the note that the Go documentation shows', () => {
  const verifier = verifierOf(vkey);
  expect(openNote(note, [verifier])).toEqual({ text, signer: 'PeterNeumann' });
  expect(verifierText('PeterNeumann', verifier.publicKey)).toBe(vkey);
  const jwk = { ...verifier.publicKey.export({ format: 'jwk' }), d: skeyBytes.toString('base64url') };
  expect(signNote(text, 'PeterNeumann', jwkKey(jwk))).toBe(note);
});

test('a note with any character changed, or by another key, is not opened', () => {
  const verifier = verifierOf(vkey);
  for (let i = 0; i < note.length; i += 1) {
    const changed = `${note.slice(0, i)}${note[i] === 'A' ? 'B' : 'A'}${note.slice(i + 1)}`;
    const opened = openNote(changed, [verifier]);
    expect([i, opened]).toEqual([i, undefined]);
  }
  expect(openNote(note, [])).toBeUndefined();
  expect(openNote(note, [verifierOf(verifierText('PeterNeumann', publicKey))])).toBeUndefined();
  expect(openNote(signNote(text, 'PeterNeumann', privateKey), [verifier])).toBeUndefined();
});

test('a second signature by a stranger does not matter, a wrong one by a friend does', () => {
  const verifier = verifierOf(vkey);
  const stranger = signNote(text, 'stranger', privateKey).slice(text.length + 1);
  expect(openNote(`${note}${stranger}`, [verifier])?.signer).toBe('PeterNeumann');
  const friend = verifierOf(verifierText('stranger', publicKey));
  const wrong = signNote(`${text}x\n`, 'stranger', privateKey).slice(text.length + 3);
  expect(openNote(`${note}${wrong}`, [verifier, friend])).toBeUndefined();
});

test.each([
  '',
  'x',
  'a+b',
  `${vkey}=`,
  vkey.replace('c7', 'c8'),
  vkey.replace('PeterN', 'Peter N'),
  `x+00000000+${'A'.repeat(44)}`,
])('no verifier key: %s', (line) => expect(parseVerifier(line)).toBeUndefined());

test('a checkpoint is the origin, the size, the root', () => {
  const checkpoint = { origin, size: 20_852_163, root: emptyRoot() };
  const body = checkpointText(checkpoint);
  expect(body).toBe('tsunagu.test/campaign/0\n20852163\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n');
  expect(parseCheckpoint(body)).toEqual(checkpoint);
  expect(parseCheckpoint(`${body}an extension\n`)).toEqual(checkpoint);
  const verifier = verifierOf(verifierText(origin, publicKey));
  const signed = signNote(body, origin, privateKey);
  expect(openCheckpoint(signed, [verifier])).toEqual(checkpoint);
  expect(readCheckpoint(signed)).toEqual(checkpoint);
});

test("another log's key does not sign for this one", () => {
  const body = checkpointText({ origin, size: 1, root: emptyRoot() });
  const other = originOf('tsunagu.test', 'campaign', 1);
  const verifier = verifierOf(verifierText(other, publicKey));
  expect(openCheckpoint(signNote(body, other, privateKey), [verifier])).toBeUndefined();
});

test.each([
  '',
  'a\n1\n',
  'a\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
  'a\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
  'a\n1\nAAAA\n',
  'a\n99999999999999999\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
])('no checkpoint: %j', (body) => expect(parseCheckpoint(body)).toBeUndefined());

function jwkKey(key: object) {
  return createPrivateKey({ key: key as never, format: 'jwk' });
}
