import { generateKeyPairSync } from 'node:crypto';
import { signedHeaders, verifySignature } from './signature.js';

const pair = generateKeyPairSync('ed25519');
const key = { kid: 'provider-1', privateKey: pair.privateKey };
const known = (kid: string) => (kid === 'provider-1' ? pair.publicKey : undefined);
const body = Buffer.from('{"points":100}');
const request = {
  method: 'POST',
  url: 'https://pay.example/base/tsunagu/v1/credits',
  headers: { 'content-type': 'application/json', 'idempotency-key': 'e1' },
};

describe('a signed call to a provider', () => {
  it('carries the label, components and parameters of the contract', async () => {
    const headers = await signedHeaders(key, request, body);
    expect(headers['signature-input']).toMatch(
      /^tsunagu=\("@method" "@target-uri" "content-digest" "content-type" "idempotency-key"\);created=\d+;expires=\d+;nonce="[\w-]{22}";keyid="provider-1";alg="ed25519";tag="tsunagu-provider"$/,
    );
    const [, created, expires] = /created=(\d+);expires=(\d+)/.exec(headers['signature-input'] ?? '') ?? [];
    expect(Number(expires) - Number(created)).toBe(60);
    expect(headers['content-digest']).toMatch(/^sha-256=:.{44}:$/);
  });

  it('is verified by the other side', async () => {
    const headers = await signedHeaders(key, request, body);
    expect(await verifySignature({ ...request, headers }, body, known)).toBe(true);
    const read = { method: 'GET', url: `${request.url}/e1`, headers: {} };
    const readHeaders = await signedHeaders(key, read, undefined);
    expect(readHeaders['signature-input']).toContain('("@method" "@target-uri");');
    expect(await verifySignature({ ...read, headers: readHeaders }, Buffer.alloc(0), known)).toBe(true);
  });

  it.each([
    ['another body', { body: Buffer.from('{"points":900}') }],
    ['another address', { url: 'https://pay.example/other' }],
    ['another method', { method: 'PUT' }],
    ['another idempotency key', { headers: { 'idempotency-key': 'e2' } }],
    ['no signature', { headers: { 'signature-input': '' } }],
  ])('is refused with %s', async (_name, change) => {
    const headers = { ...(await signedHeaders(key, request, body)), ...('headers' in change ? change.headers : {}) };
    const url = 'url' in change ? change.url : request.url;
    const method = 'method' in change ? change.method : request.method;
    expect(await verifySignature({ method, url, headers }, 'body' in change ? change.body : body, known)).toBe(false);
  });

  it('is refused under a key that is not known, or another one', async () => {
    const headers = await signedHeaders(key, request, body);
    expect(await verifySignature({ ...request, headers }, body, () => undefined)).toBe(false);
    const other = generateKeyPairSync('ed25519').publicKey;
    expect(await verifySignature({ ...request, headers }, body, () => other)).toBe(false);
  });
});
