import { createHash } from 'node:crypto';
import { certificateHash } from '@tsunagu/testing';
import { startTestNationalLogin, type TestNationalLogin } from './test-national-login.js';

const claims = { name: '秘密花子', address: '東京都中央区銀座1-2-3', birthdate: '1987-12-13', gender: 'female' };

let at: TestNationalLogin;
beforeAll(async () => {
  at = await startTestNationalLogin();
});
afterAll(() => at.close());

const personOf = async (answer: ReturnType<TestNationalLogin['signIn']>): Promise<string> => {
  const { status, body } = await answer;
  expect([status, body]).toEqual([201, expect.anything()]);
  return body.person.personId;
};
const cardSession = async (options: { withAttributes?: boolean } = {}) => {
  const { body } = await at.identity.session(await at.identity.card(), options);
  return { token: body.accessToken as string, personId: body.person.personId as string, myKeyId: body.person.myKeyId };
};
const answersOf = async (personId: string) => {
  const { body } = await at.identity.service.call('POST', '/identity/internal/v1/eligibility', {
    token: await at.identity.service.token({ role: 'service', subject: 'campaign', ttlSeconds: 86_400 }),
    body: {
      personId,
      rules: { minimumAge: 18, residencePrefixes: ['13'] },
      at: new Date(at.identity.service.clock.now()).toISOString(),
    },
  });
  return body.answers.map(({ rule, answer }: { rule: string; answer: string }) => `${rule} ${answer}`);
};
const registered = async () =>
  (await at.identity.service.published()).filter(({ type }) => type === 'PersonRegistered');

describe('a national login', () => {
  it('is offered by name, begins at the login, and ends in a session', async () => {
    const offer = await at.identity.service.call('GET', '/identity/v1/national-login');
    expect([offer.status, offer.body]).toEqual([200, { name: 'Test login', signs: true }]);
    const begun = await at.begin();
    expect([begun.status, Object.keys(begun.body).sort()]).toEqual([201, ['authorizationUrl', 'expiresAt', 'loginId']]);
    const leftMs = Date.parse(begun.body.expiresAt) - at.identity.service.clock.now();
    expect(leftMs > 590_000 && leftMs <= 600_000).toBe(true);
    expect(Object.fromEntries(new URL(begun.body.authorizationUrl).searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'tsunagu',
      scope: 'openid name address birthdate gender',
      code_challenge_method: 'S256',
    });
    const returned = await at.login.authorize(begun.body.authorizationUrl, at.login.account(claims));
    const done = await at.complete(begun.body.loginId, returned);
    expect([done.status, done.body]).toEqual([
      201,
      {
        accessToken: expect.any(String),
        tokenType: 'Bearer',
        expiresAt: expect.any(String),
        person: { personId: expect.any(String), myKeyId: null },
      },
    ]);
    const token = done.body.accessToken;
    expect((await at.identity.service.call('DELETE', '/identity/v1/sessions/current', { token })).status).toBe(204);
  });

  it('tells the facts that rules ask for, and what it does not tell is unknown, not a no', async () => {
    const all = await personOf(at.signIn(at.login.account(claims)));
    expect(await answersOf(all)).toEqual(['age yes', 'residence yes']);
    const formatted = { address: { formatted: '神奈川県横浜市' }, birthdate: '20150101' };
    const other = await personOf(at.signIn(at.login.account(formatted)));
    expect(await answersOf(other)).toEqual(['age no', 'residence no']);
    const withheld = await personOf(at.signIn(at.login.account({ name: '名前だけ', birthdate: '0000-12-13' })));
    expect(await answersOf(withheld)).toEqual(['age unknown', 'residence unknown']);
    const nothing = await personOf(at.signIn(at.login.account()));
    expect(await answersOf(nothing)).toEqual(['age unknown', 'residence unknown']);
    const kinds = await at.identity.service.pool.query(
      `select data::jsonb ->> 'kind' as kind, count(*)::int from events where type = 'AttributesVerified'
       and data::jsonb ->> 'personId' = any($1) group by 1`,
      [[all, other, withheld, nothing]],
    );
    expect(kinds.rows).toEqual([{ kind: 'nationalLogin', count: 3 }]);
  });

  it('makes nothing unknown that is known: a reading that lacks a fact leaves the older ones', async () => {
    const account = at.login.account(claims);
    const personId = await personOf(at.signIn(account));
    at.login.accounts.set(account, { name: claims.name });
    at.identity.service.clock.forward(1_000);
    expect(await personOf(at.signIn(account))).toBe(personId);
    expect(await answersOf(personId)).toEqual(['age yes', 'residence yes']);
    at.login.accounts.set(account, { ...claims, address: '沖縄県那覇市' });
    expect(await personOf(at.signIn(account))).toBe(personId);
    expect(await answersOf(personId)).toEqual(['age yes', 'residence no']);
  });
});

describe('one person', () => {
  it('is made by 20 logins of one subject that complete at the same moment, and stays', async () => {
    const before = (await registered()).length;
    const account = at.login.account(claims);
    const begun = await Promise.all(Array.from({ length: 20 }, () => at.begin()));
    const returned: Record<string, string>[] = [];
    for (const { body } of begun) returned.push(await at.login.authorize(body.authorizationUrl, account));
    const people = await Promise.all(
      begun.map(({ body }, n) => personOf(at.complete(body.loginId, returned[n] ?? {}))),
    );
    expect(new Set([...people, await personOf(at.signIn(account))]).size).toBe(1);
    expect(await personOf(at.signIn(at.login.account(claims)))).not.toBe(people[0]);
    expect((await registered()).length).toBe(before + 2);
  });

  it('has a card and a login where both were proven in one session', async () => {
    const { token, personId, myKeyId } = await cardSession();
    const account = at.login.account(claims);
    const joined = await at.signIn(account, token);
    expect([joined.status, joined.body.person]).toEqual([201, { personId, myKeyId }]);
    expect(await answersOf(personId)).toEqual(['age yes', 'residence yes']);
    expect(await personOf(at.signIn(account))).toBe(personId);
    expect(await personOf(at.signIn(account, token))).toBe(personId);
  });

  it('gets one login when it joins twenty times at once', async () => {
    const { token, personId } = await cardSession();
    const account = at.login.account(claims);
    const begun = await Promise.all(Array.from({ length: 20 }, () => at.begin(token)));
    const returned: Record<string, string>[] = [];
    for (const { body } of begun) returned.push(await at.login.authorize(body.authorizationUrl, account));
    const done = begun.map(({ body }, n) => personOf(at.complete(body.loginId, returned[n] ?? {}, token)));
    expect(new Set(await Promise.all(done))).toEqual(new Set([personId]));
  });

  it('is recognised by the digest, whichever of card and login told who they are', async () => {
    const card = await at.identity.card({ name: '見本　次郎', birthDate: '1990-04-01' });
    const { sex } = at.identity.store.card(certificateHash(card.certificate))?.holder ?? {};
    const byCard = (await at.identity.session(card, { withAttributes: true })).body.person.personId;
    const gender = sex === '1' ? 'male' : 'female';
    const byLogin = await personOf(at.signIn(at.login.account({ name: '見本 次郎', birthdate: '19900401', gender })));
    expect(byLogin).not.toBe(byCard);
    const { rows } = await at.identity.service.pool.query(
      `select count(distinct data::jsonb ->> 'digest')::int as digests, count(*)::int as readings from events
       where type = 'AttributesVerified' and data::jsonb ->> 'personId' = any($1)`,
      [[byCard, byLogin]],
    );
    expect(rows).toEqual([{ digests: 1, readings: 2 }]);
  });

  it('is never merged silently: a login of somebody else, or a second one, goes to staff', async () => {
    const account = at.login.account(claims);
    const theirs = await personOf(at.signIn(account));
    const { token, personId } = await cardSession();
    const taken = await at.signIn(account, token);
    expect([taken.status, taken.body.code]).toEqual([409, 'identity.under_review']);
    expect(await personOf(at.signIn(account))).toBe(theirs);

    const own = at.login.account();
    expect(await personOf(at.signIn(own, token))).toBe(personId);
    const second = await at.signIn(at.login.account(), token);
    expect([second.status, second.body.code]).toEqual([409, 'identity.under_review']);

    const left = await cardSession({ withAttributes: true });
    const stranger = at.login.account(claims);
    const other = await at.signIn(stranger, left.token);
    expect([other.status, other.body.code]).toEqual([409, 'identity.under_review']);
    expect(await personOf(at.signIn(stranger))).not.toBe(left.personId);
  });
});

describe('nothing personal', () => {
  it('stands in the log, the log lines or the tables outside the vault', async () => {
    const account = at.login.account(claims);
    await at.signIn(account);
    const { pool, logLines } = at.identity.service;
    const { rows } = await pool.query('select * from events');
    const logins = await pool.query("select *, encode(sealed, 'escape') as sealed from national_logins");
    const vault = await pool.query("select encode(sealed, 'escape') as sealed from vault_attributes");
    const seen = JSON.stringify([rows, logLines, logins.rows, vault.rows]);
    const subject = createHash('sha256').update(`tsunagu ${account}`).digest('base64url');
    const secrets = [...Object.values(claims).slice(0, 3), '19871213', '中央区', account, subject];
    expect(secrets.filter((each) => seen.includes(each))).toEqual([]);
    expect(seen).toContain('SubjectBound');
  });
});
