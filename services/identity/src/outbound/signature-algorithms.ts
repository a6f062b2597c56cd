import { type KeyObject, verify } from 'node:crypto';

interface Algorithm {
  readonly hash: 'sha256' | 'sha384';
  readonly fits: (key: KeyObject) => boolean;
}

/** All that the issuer may sign lists and answers with (DOMAIN §3), by OID: the cards of today and the next card. */
const allowed: Readonly<Record<string, Algorithm>> = {
  /** sha256WithRSAEncryption, keys of 2048 to 4096 bits */
  '1.2.840.113549.1.1.11': {
    hash: 'sha256',
    fits: (key) => {
      const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
      return key.asymmetricKeyType === 'rsa' && bits >= 2048 && bits <= 4096;
    },
  },
  /** ecdsa-with-SHA384, on P-384 only */
  '1.2.840.10045.4.3.3': {
    hash: 'sha384',
    fits: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'secp384r1',
  },
};

/** True for a signature of this key over these bytes, in an algorithm that is allowed. `signature`: as in X.509, for ECDSA DER. */
export function isSignedBy(
  key: KeyObject,
  algorithm: string,
  signed: Uint8Array | undefined,
  signature: Uint8Array,
): boolean {
  const known = Object.hasOwn(allowed, algorithm) ? allowed[algorithm] : undefined;
  return known?.fits(key) === true && signed !== undefined && verify(known.hash, signed, key, signature);
}
