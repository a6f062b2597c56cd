import { startTestIdentity, type TestIdentity } from './test-identity.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await startTestIdentity();
});
afterAll(() => identity.close());

const personOf = async (answer: Promise<{ status: number; body: { person: { personId: string } } }>) => {
  const { status, body } = await answer;
  expect([status, body]).toEqual([201, expect.anything()]);
  return body.person.personId;
};

describe('a session', () => {
  it('begins with a challenge of 32 bytes for two minutes', async () => {
    const { status, body } = await identity.service.call('POST', '/identity/v1/challenges', {});
    expect([status, Buffer.from(body.nonce, 'base64url').length]).toEqual([201, 32]);
    const leftMs = Date.parse(body.expiresAt) - identity.service.clock.now();
    expect(leftMs > 110_000 && leftMs <= 120_000).toBe(true);
    const bound = { purpose: 'exchange', operation: { points: 100 } };
    expect((await identity.service.call('POST', '/identity/v1/challenges', { body: bound })).status).toBe(201);
  });

  it('registers a person at the first card tap and finds them at the next', async () => {
    const card = await identity.card();
    const first = await identity.session(card);
    expect(first.body).toEqual({
      accessToken: expect.any(String),
      tokenType: 'Bearer',
      expiresAt: expect.any(String),
      person: { personId: expect.any(String), myKeyId: /CN=(\w{14})/.exec(card.subject)?.[1] },
    });
    const leftMs = Date.parse(first.body.expiresAt) - identity.service.clock.now();
    expect(leftMs > 1_790_000 && leftMs <= 1_800_000).toBe(true);
    const second = await identity.session(card, { withAttributes: true });
    expect(second.body.person).toEqual(first.body.person);
    const registered = (await identity.service.published()).filter(
      ({ data }) => (data as { personId: string }).personId === first.body.person.personId,
    );
    expect(registered.map(({ type }) => type)).toEqual(['PersonRegistered']);
  });

  it('ends at log-out: the token is refused from then on, and other services hear of it', async () => {
    const { body } = await identity.session(await identity.card());
    const token = body.accessToken;
    const service = await identity.service.token({ role: 'service', subject: 'campaign' });
    const ask = (after: number, wait: number) =>
      identity.service.call('GET', `/identity/internal/v1/ended-sessions?after=${after}&wait=${wait}`, {
        token: service,
      });
    const before = (await ask(0, 0)).body.through;
    const heard = ask(before, 5);
    expect((await identity.service.call('DELETE', '/identity/v1/sessions/current', { token })).status).toBe(204);
    const again = await identity.service.call('DELETE', '/identity/v1/sessions/current', { token });
    expect([again.status, again.body.code]).toEqual([401, 'auth.token_invalid']);
    const { jti } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    expect((await heard).body.tokenIds).toEqual([jti]);
  });

  it('publishes the public halves of its keys only', async () => {
    const { status, body } = await identity.service.call('GET', '/.well-known/jwks.json');
    expect(status).toBe(200);
    expect(body.keys.map(({ kid }: { kid: string }) => kid)).toContain('citizen-1');
    expect(JSON.stringify(body)).not.toMatch(/"(d|p|q|dp|dq|qi)":/);
  });
});

describe('one person', () => {
  it('is made by 40 simultaneous first sessions of one card', async () => {
    const card = await identity.card();
    const people = await Promise.all(
      Array.from({ length: 40 }, () => personOf(identity.session(card, { withAttributes: true }))),
    );
    expect(new Set(people).size).toBe(1);
  });

  it('is made by the old and the new card at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const old = await identity.card();
      const renewed = await identity.renew(old, { oldStaysValid: true });
      const sessions = [old, renewed, old, renewed].map((card) => personOf(identity.session(card)));
      expect(new Set(await Promise.all(sessions)).size).toBe(1);
    }
  });

  it('stays the same through renewals, whether the old card was revoked, expired or never seen', async () => {
    const first = await identity.card();
    const person = await personOf(identity.session(first));
    const second = await identity.renew(first);
    const third = await identity.renew(second, { oldStaysValid: true });
    expect(await personOf(identity.session(third))).toBe(person);
    const answer = await identity.session(third, { withAttributes: true });
    expect(answer.body.person).toEqual({ personId: person, myKeyId: /CN=(\w{14})/.exec(first.subject)?.[1] });
    expect(await personOf(identity.session(second))).toBe(person);
  });

  it('keeps the unknown predecessor reserved: the old card presented later is the same person', async () => {
    const old = await identity.card();
    const renewed = await identity.renew(old, { oldStaysValid: true });
    const person = await personOf(identity.session(renewed));
    identity.issuer.mode.links = 'unavailable';
    expect(await personOf(identity.session(old))).toBe(person);
    identity.issuer.mode.links = 'available';
  });

  it('is another one where no link data ties the cards', async () => {
    const old = await identity.card();
    const unlinked = await identity.renew(old, { oldStaysValid: true, withoutLink: true });
    expect(await personOf(identity.session(unlinked))).not.toBe(await personOf(identity.session(old)));
  });

  it('survives a MyKey ID that another person holds: registered without one', async () => {
    const card = await identity.card();
    const { body } = await identity.session(card);
    const same = await identity.card({ commonName: body.person.myKeyId });
    const second = await identity.session(same);
    expect(second.body.person).toEqual({ personId: expect.not.stringMatching(body.person.personId), myKeyId: null });
    expect((await identity.session(same)).body.person.myKeyId).toBeNull();
  });
});

describe('nothing personal', () => {
  it('stands in the log, the log lines or the tables outside the vault', async () => {
    const card = await identity.card({ name: '秘密太郎', birthDate: '1987-12-13', residence: '13102' });
    await identity.session(card, { withAttributes: true });
    const { rows } = await identity.service.pool.query('SELECT * FROM events');
    const vault = await identity.service.pool.query("SELECT encode(sealed, 'escape') AS sealed FROM vault_attributes");
    const seen = JSON.stringify([rows, identity.service.logLines, vault.rows]);
    const own = /CN=(\w{14})/.exec(card.subject)?.[1] ?? '';
    const secrets = ['秘密太郎', '1987-12-13', '19871213', '中央区', own, card.certificate.slice(100, 140)];
    expect(secrets.filter((secret) => seen.includes(secret))).toEqual([]);
    expect(seen).toContain('AttributesVerified');
  });
});
