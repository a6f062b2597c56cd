import {
  holdCard,
  type IssuerMode,
  issuePhone,
  keyPool,
  type OcspMode,
  revokeCard,
  workingIssuer,
} from '@tsunagu/testing';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

/** What who calls POST sessions sees while the issuer misbehaves. */
describe('a sign-in', () => {
  let identity: TestIdentity;
  beforeAll(async () => {
    identity = await startTestIdentity();
  });
  afterAll(() => identity.close());
  afterEach(() => set({}));

  const set = (mode: Partial<IssuerMode>) => {
    identity.issuer.mode = { ...workingIssuer, ...mode };
  };
  const nowMs = () => identity.service.clock.now();
  let point = 14_100;
  const card = () => identity.card({ residence: String(point++) });
  const seen = async (answer: ReturnType<TestIdentity['session']>) => {
    const { status, body, headers } = await answer;
    return status === 503 ? `${body.code} ${Number(headers.get('retry-after')) > 0}` : (body.code ?? status);
  };
  const unavailable = 'identity.revocation_unavailable true';

  /** With a list of today, and with no list either. */
  const faults: Readonly<Record<OcspMode, readonly [number | string, number | string]>> = {
    fresh: [201, 201],
    late: [201, 201],
    sha1_only: [201, 201],
    unreachable: [201, unavailable],
    silent: [201, unavailable],
    unknown: [unavailable, unavailable],
    stale: [201, unavailable],
    try_later: [201, unavailable],
    wrong_nonce: [201, unavailable],
    no_nonce: [201, unavailable],
    wrong_key: [201, unavailable],
    not_a_responder: [201, unavailable],
    another_certificate: [201, unavailable],
    malformed: [201, unavailable],
  };
  it.each(Object.keys(faults) as OcspMode[])('with an OCSP responder that is %s', async (ocsp) => {
    const of = await card();
    set({ ocsp, lists: 'unreachable' });
    const alone = await seen(identity.session(of));
    set({ ocsp });
    expect([await seen(identity.session(of)), alone]).toEqual(faults[ocsp]);
  });

  it.each([
    ['fresh', 201],
    ['yesterday', 201],
    ['stale', unavailable],
    ['wrong_point', unavailable],
    ['unreachable', unavailable],
  ] as const)('without OCSP, with a list that is %s', async (lists, expected) => {
    const of = await card();
    set({ ocsp: 'unreachable', lists });
    expect(await seen(identity.session(of))).toBe(expected);
  });

  it('is refused for what OCSP calls revoked while the list of yesterday does not, and for ever after', async () => {
    const old = await card();
    const renewed = await identity.renew(old);
    set({ lists: 'yesterday' });
    expect(await seen(identity.session(old))).toBe('identity.certificate_revoked');
    expect(await seen(identity.session(renewed))).toBe(201);
    set({ ocsp: 'late', lists: 'yesterday' });
    expect(await seen(identity.session(old))).toBe('identity.certificate_revoked');
  });

  it('is refused for what the list calls revoked while OCSP is away; a hold is a revocation', async () => {
    const [revoked, held, moved] = [await card(), await card(), await card()];
    revokeCard(identity.store, revoked, { nowMs: nowMs(), reason: 'keyCompromise' });
    holdCard(identity.store, held, { nowMs: nowMs() });
    revokeCard(identity.store, moved, { nowMs: nowMs(), reason: 'affiliationChanged' });
    set({ ocsp: 'unreachable' });
    expect(await seen(identity.session(revoked))).toBe('identity.certificate_revoked');
    expect(await seen(identity.session(held))).toBe('identity.certificate_revoked');
    expect(await seen(identity.session(moved, { withAttributes: true }))).toBe('identity.certificate_revoked');
    expect(await seen(identity.session(moved))).toBe(201);
  });

  it('with a phone lasts until the next phone, or the next card', async () => {
    const of = await card();
    const options = { nowMs: nowMs(), keys: keyPool(1) };
    const phone = await issuePhone(identity.store, of, options);
    expect(await seen(identity.session(phone))).toBe(201);
    const next = await issuePhone(identity.store, of, options);
    expect(await seen(identity.session(phone))).toBe('identity.certificate_revoked');
    expect(await seen(identity.session(next))).toBe(201);
    await identity.renew(of);
    expect(await seen(identity.session(next))).toBe('identity.certificate_revoked');
  });

  it('goes on for a person known before while link data is away, and for nobody new', async () => {
    const [known, fresh] = [await card(), await card()];
    expect(await seen(identity.session(known))).toBe(201);
    set({ links: 'unavailable' });
    expect(await seen(identity.session(known))).toBe(201);
    expect(await seen(identity.session(fresh))).toBe('identity.lineage_unavailable true');
  });

  it('goes to review for a card that follows the cards of two persons', async () => {
    const [first, second] = [await card(), await card()];
    await identity.session(first);
    await identity.session(second);
    const third = await identity.renew(first, { alsoFollows: second });
    expect(await seen(identity.session(third))).toBe('identity.under_review');
  });
});
