import { createHash, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { httpbis } from 'http-message-signatures';

/** The key that signs calls of one kind, such as those to providers, and nothing else. */
export interface ProviderKey {
  readonly kid: string;
  /** Ed25519. */
  readonly privateKey: KeyObject;
}

export interface SignedRequest {
  readonly method: string;
  /** Absolute: `@target-uri`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const label = 'tsunagu';
/** Says what a signature is for: a call to a provider is taken by nobody else. */
const providerTag = 'tsunagu-provider';
const params = ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'];
const signatureLifeSeconds = 60;
const optionalFields = ['content-digest', 'content-type', 'idempotency-key'];

/** The headers of a call to a provider: those given, Content-Digest (RFC 9530) where there is a body, Signature-Input and Signature (RFC 9421). */
export async function signedHeaders(
  key: ProviderKey,
  request: SignedRequest,
  body: Buffer | undefined,
  tag = providerTag,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = { ...request.headers };
  if (body) headers['content-digest'] = contentDigest(body);
  // The signature's life is measured on the real clock: the provider does not know ours.
  const created = new Date();
  const signed = await httpbis.signMessage(
    {
      key: { id: key.kid, alg: 'ed25519', sign: async (base) => sign(null, base, key.privateKey) },
      name: label,
      params,
      fields: ['@method', '@target-uri', ...optionalFields.filter((field) => headers[field] !== undefined)],
      paramValues: {
        created,
        expires: new Date(created.getTime() + signatureLifeSeconds * 1000),
        nonce: randomBytes(16).toString('base64url'),
        tag,
      },
    },
    { method: request.method, url: request.url, headers },
  );
  return Object.fromEntries(Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

/**
 * Whether a call was signed as `signedHeaders` does it: label, components, tag, time, digest of the body. For the provider's
 * side; whoever receives calls also remembers nonces for as long as a signature lives.
 */
export async function verifySignature(
  request: SignedRequest,
  body: Buffer,
  publicKey: (kid: string) => KeyObject | undefined | Promise<KeyObject | undefined>,
  tag = providerTag,
): Promise<boolean> {
  const headers = request.headers;
  if (!headers['signature-input']?.startsWith(`${label}=`)) return false;
  if (body.length > 0 && headers['content-digest'] !== contentDigest(body)) return false;
  try {
    const verified = await httpbis.verifyMessage(
      {
        requiredParams: params,
        requiredFields: ['@method', '@target-uri', ...optionalFields.filter((field) => headers[field] !== undefined)],
        maxAge: signatureLifeSeconds,
        tolerance: 5,
        keyLookup: async (parameters) => {
          const found = parameters.tag === tag ? await publicKey(String(parameters.keyid)) : undefined;
          if (!found) return null;
          return {
            id: String(parameters.keyid),
            algs: ['ed25519'],
            verify: async (base, signature) => verify(null, base, found, signature),
          };
        },
      },
      { method: request.method, url: request.url, headers: { ...headers } },
    );
    return verified === true;
  } catch {
    // The library throws for every kind of unacceptable signature; to the caller they are one answer.
    return false;
  }
}

function contentDigest(body: Buffer): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}
