import { createPublicKey, verify } from 'node:crypto';
import { compactVerify, createLocalJWKSet } from 'jose';
import { startTestIdentity, type TestIdentity } from './test-identity.js';
import { memberServices, type TestMemberServices } from './test-member-services.js';

let identity: TestIdentity;
let services: TestMemberServices;
beforeAll(async () => {
  identity = await startTestIdentity();
  services = memberServices(identity);
  await services.register('bicycles');
  await services.enableFeed('bicycles');
});
afterAll(() => identity.close());

const keySet = async () => (await identity.service.call('GET', '/.well-known/jwks.json')).body;
const decoded = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

/** By hand, from the key set alone: RFC 7515 §5.2, Ed25519. */
async function isGenuine(jws: string): Promise<boolean> {
  const [header, payload, signature] = jws.split('.');
  const { kid } = decoded(header);
  const key = (await keySet()).keys.find((each: { kid: string }) => each.kid === kid);
  if (!key?.kid.startsWith('feed-')) return false;
  const publicKey = createPublicKey({ key, format: 'jwk' });
  return verify(null, Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature ?? '', 'base64url'));
}

describe('a page of the feed', () => {
  it('is signed with its service, cursor and time, for anybody who has the key set', async () => {
    const first = await services.endedMember('bicycles');
    await services.endedMember('bicycles');
    const { entries, nextCursor, jws } = (await services.feed('bicycles')).body;
    expect(await isGenuine(jws)).toBe(true);
    const { payload, protectedHeader } = await compactVerify(jws, createLocalJWKSet(await keySet()));
    expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: 'feed-1', typ: 'tsunagu-membership-feed' });
    const evidence = JSON.parse(new TextDecoder().decode(payload));
    expect(evidence).toEqual({ service: 'bicycles', cursor: 0, entries, nextCursor, signedAt: expect.any(String) });
    expect(entries).toHaveLength(2);
    expect(entries[0]).toEqual({ serviceId: first, invalidFrom: expect.any(String) });
  });

  it('fails with any byte of what it says changed', async () => {
    const { jws } = (await services.feed('bicycles')).body;
    const [header = '', payload = '', signature] = jws.split('.');
    const bytes = Buffer.from(payload, 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await isGenuine([header, changed.toString('base64url'), signature].join('.'))).toBe(false);
    }
    const otherHeader = Buffer.from(JSON.stringify({ ...decoded(header), typ: 'JWT' })).toString('base64url');
    expect(await isGenuine([otherHeader, payload, signature].join('.'))).toBe(false);
  });

  it('is no access token, and its key signs none', async () => {
    const { jws } = (await services.feed('bicycles')).body;
    const answer = await identity.service.call('GET', '/identity/v1/membership-feed?service=bicycles', { token: jws });
    expect(answer).toMatchObject({ status: 401, body: { code: 'auth.token_invalid' } });
  });
});
