import { DerCursor, tags } from './der.js';

/**
 * The allow-list of certificate profiles: the key of a certificate, the key of its authority and the algorithm of its signature all
 * belong to one. `rsa` is today's card, `p384` the next one (DOMAIN §3).
 */
export type ProfileName = 'rsa' | 'p384';

/** DER of each profile's signature algorithm: sha256WithRSAEncryption with NULL (RFC 4055 §5), ecdsa-with-SHA384 (RFC 5758 §3.2). */
const signatureAlgorithms: Readonly<Record<string, ProfileName>> = {
  '300d06092a864886f70d01010b0500': 'rsa',
  '300a06082a8648ce3d040303': 'p384',
};

/** DER of each profile's key algorithm: rsaEncryption with NULL (RFC 3279 §2.3.1), ecPublicKey on secp384r1 (RFC 5480 §2.1). */
const keyAlgorithms: Readonly<Record<string, ProfileName>> = {
  '300d06092a864886f70d0101010500': 'rsa',
  '301006072a8648ce3d020106052b81040022': 'p384',
};

const rsaBits = 2048;
const rsaExponent = Buffer.from([1, 0, 1]);
const uncompressedPoint = 0x04;
const p384PointOctets = 97;

/** Of an AlgorithmIdentifier; null for one that is not on the list. */
export function profileOfSignature(algorithm: Buffer): ProfileName | null {
  return signatureAlgorithms[algorithm.toString('hex')] ?? null;
}

/** Of a SubjectPublicKeyInfo that the cursor stands in; null for a key of another kind, size or exponent. */
export function profileOfKey(publicKeyInfo: DerCursor): ProfileName | null {
  const algorithm = publicKeyInfo.raw(publicKeyInfo.take(tags.sequence)).toString('hex');
  const bits = publicKeyInfo.content(publicKeyInfo.take(tags.bitString));
  publicKeyInfo.finish();
  const profile = keyAlgorithms[algorithm] ?? null;
  const key = bits.subarray(1);
  if (bits[0] !== 0) return null;
  if (profile === 'rsa') return isAllowedRsaKey(key) ? 'rsa' : null;
  return profile === 'p384' && key.length === p384PointOctets && key[0] === uncompressedPoint ? 'p384' : null;
}

function isAllowedRsaKey(key: Buffer): boolean {
  const pair = DerCursor.whole(key, tags.sequence);
  const modulus = pair.content(pair.take(tags.integer));
  const exponent = pair.content(pair.take(tags.integer));
  pair.finish();
  // A positive number of 2048 bits has its highest bit behind one zero octet.
  const isRightSize = modulus.length === rsaBits / 8 + 1 && modulus[0] === 0 && (modulus[1] ?? 0) >= 0x80;
  return isRightSize && ((modulus.at(-1) ?? 0) & 1) === 1 && exponent.equals(rsaExponent);
}
