import { createHash } from 'node:crypto';
import { issuePhone } from '@tsunagu/testing';
import { erasersOf } from './test-erasure.js';
import { openReviews, siblingLinks } from './test-lineage.js';
import { personOf, startTestNationalLogin, stringOf, type TestNationalLogin } from './test-national-login.js';

type Card = Awaited<ReturnType<TestNationalLogin['identity']['card']>>;
type Answer = Awaited<ReturnType<TestNationalLogin['signIn']>>;

let at: TestNationalLogin;
beforeAll(async () => {
  at = await startTestNationalLogin();
});
afterAll(() => at.close());

const signingCard = ({ signatureCertificate = '', signaturePrivateKey = '' }: Card) => ({
  certificate: signatureCertificate,
  privateKey: signaturePrivateKey,
});
const accountWith = (card: Card, claims = {}) => at.login.account(claims, signingCard(card));
const sign = (account: string, token?: string) => at.signIn(account, token, { sign: true });
const events = async (type: string, personId: string) => {
  const { events } = await at.identity.service.log.readLog({ after: 0, limit: 1_000_000, types: [type] });
  return events.map(({ data }) => data as Record<string, string>).filter((data) => data.personId === personId);
};
const withoutLinks = async <T>(act: () => Promise<T>): Promise<T> => {
  at.identity.issuer.mode.links = 'unavailable';
  try {
    return await act();
  } finally {
    at.identity.issuer.mode.links = 'available';
  }
};

describe('a login in which a card signs', () => {
  it('asks the login for it, over bytes of its own each time', async () => {
    const begun = await Promise.all([1, 2].map(() => at.begin(undefined, { sign: true })));
    const asked = begun.map(({ body }) => Object.fromEntries(new URL(body.authorizationUrl).searchParams));
    for (const each of asked) expect(each.scope).toBe('openid name address birthdate gender sign');
    expect(new Set(asked.map((each) => each.sign_transaction_id)).size).toBe(2);
    const plain = await at.begin();
    expect(new URL(plain.body.authorizationUrl).searchParams.has('sign_transaction_id')).toBe(false);
  });

  it('belongs to whoever the card belongs to', async () => {
    const card = await at.identity.card();
    const { personId, myKeyId } = await at.identity.citizen(card);
    const account = accountWith(card);
    const done = await sign(account);
    expect([done.status, done.body.person]).toEqual([201, { personId, myKeyId }]);
    expect(await personOf(at.signIn(account))).toBe(personId);
    expect(await personOf(sign(account))).toBe(personId);
    expect((await events('SubjectBound', personId)).map(({ by }) => by)).toEqual(['signature']);
    expect((await events('AttributesVerified', personId))[0]).toMatchObject({
      kind: 'signatureCertificate',
      attributes: ['name', 'birthDate', 'sex', 'address'],
    });
  });

  it('belongs to whoever the card before it, or its phone, belongs to', async () => {
    const old = await at.identity.card();
    const person = await personOf(at.identity.session(old));
    const renewed = await at.identity.renew(old, { oldStaysValid: true });
    expect(await personOf(sign(accountWith(renewed)))).toBe(person);
    expect(await withoutLinks(() => personOf(at.identity.session(renewed)))).toBe(person);

    const card = await at.identity.card();
    const phone = await issuePhone(at.identity.store, card, { nowMs: at.identity.service.clock.now() });
    const byPhone = await personOf(at.identity.session(phone));
    expect(await personOf(sign(accountWith(card)))).toBe(byPhone);
  });

  it('belongs to the person of a card that is known, whatever link data ties to that since', async () => {
    const [card, other] = [await at.identity.card(), await at.identity.card()];
    const person = await personOf(at.identity.session(card));
    await personOf(at.identity.session(other));
    siblingLinks(at.identity)(card, other);
    expect(await personOf(sign(accountWith(card)))).toBe(person);
    expect(await personOf(at.identity.session(card))).toBe(person);
  });

  it('reserves a card that is not known for its person: it is theirs when it comes, with its MyKey ID', async () => {
    const old = await at.identity.card();
    const card = await at.identity.renew(old, { oldStaysValid: true });
    const account = accountWith(card);
    const done = await sign(account);
    expect(done.body.person.myKeyId).toBeNull();
    const { personId } = done.body.person;
    const tapped = await withoutLinks(() => at.identity.session(card));
    expect(tapped.body.person).toEqual({ personId, myKeyId: stringOf(card) });
    expect((await at.identity.session(card)).body.person).toEqual(tapped.body.person);
    expect((await withoutLinks(() => at.identity.session(old))).body.person).toEqual(tapped.body.person);
    expect((await events('CardJoined', personId)).map(({ by }) => by)).toEqual(['loginSignature']);
  });

  it('ties a login that came alone before, and one that is joined in a session of the card', async () => {
    const card = await at.identity.card();
    const account = accountWith(card);
    const person = await personOf(at.signIn(account));
    expect(await personOf(sign(account))).toBe(person);
    expect(await personOf(at.identity.session(card))).toBe(person);

    const citizen = await at.identity.citizen();
    expect(await personOf(sign(accountWith(citizen.card), citizen.token))).toBe(citizen.personId);
  });

  it('makes one person with the card itself, when both come twenty times at once', async () => {
    for (let round = 0; round < 3; round += 1) {
      const card = await at.identity.card();
      const account = accountWith(card);
      const begun = await Promise.all(Array.from({ length: 10 }, () => at.begin(undefined, { sign: true })));
      const returned: Record<string, string>[] = [];
      for (const { body } of begun) returned.push(await at.login.authorize(body.authorizationUrl, account));
      const acts = begun.flatMap(({ body }, n) => [
        personOf(at.complete(body.loginId, returned[n] ?? {})),
        personOf(at.identity.session(card)),
      ]);
      expect(new Set(await Promise.all(acts)).size).toBe(1);
    }
  });

  it('lets its attributes be used again after a withdrawal only where the person says so', async () => {
    const card = await at.identity.card();
    const account = accountWith(card);
    const { body } = await sign(account);
    const { personId } = body.person;
    const path = '/identity/v1/consents/attributes/withdraw';
    const withdrawn = await at.identity.service.call('POST', path, { token: body.accessToken, body: {} });
    expect(withdrawn.status).toBe(200);
    at.identity.service.clock.forward(1_000);
    expect(await personOf(sign(account))).toBe(personId);
    expect((await events('AttributesVerified', personId)).length).toBe(1);
    const begun = (await at.begin(undefined, { sign: true })).body;
    const returned = { ...(await at.login.authorize(begun.authorizationUrl, account)), consent: true };
    expect(await personOf(at.complete(begun.loginId, returned as never))).toBe(personId);
    expect((await events('AttributesVerified', personId)).length).toBe(2);
  });
});

describe('a card that signed and a login that do not fit together', () => {
  const refused = async (answer: Promise<Answer>): Promise<string> => {
    const { status, body } = await answer;
    expect([status, body.code]).toEqual([409, 'identity.under_review']);
    return body.detail;
  };

  it('are for staff where they belong to two persons, once, and nothing is merged', async () => {
    const before = (await openReviews(at.identity)).length;
    const card = await at.identity.card();
    const holder = await personOf(at.identity.session(card));
    const account = accountWith(card);
    const other = await personOf(at.signIn(account));
    const detail = 'The card that signed belongs to another person than the national login.';
    for (let time = 0; time < 2; time += 1) expect(await refused(sign(account))).toBe(detail);
    expect((await openReviews(at.identity)).length).toBe(before + 1);
    expect([await personOf(at.identity.session(card)), await personOf(at.signIn(account))]).toEqual([holder, other]);

    const citizen = await at.identity.citizen();
    expect(await refused(sign(accountWith(card), citizen.token))).toBe(
      'The card that signed belongs to another person than the session.',
    );
    expect((await openReviews(at.identity)).length).toBe(before + 2);
  });

  it('are refused where they tell two birth dates', async () => {
    const card = await at.identity.card({ birthDate: '1990-04-01' });
    const account = accountWith(card, { birthdate: '1987-12-13' });
    const detail = 'The card that signed tells of somebody else than the national login.';
    expect(await refused(sign(account))).toBe(detail);
    const known = accountWith(card);
    const tells = at.login.accounts.get(known);
    at.login.accounts.set(known, { birthdate: '1987-12-13' });
    await personOf(at.signIn(known));
    at.login.accounts.set(known, tells ?? {});
    expect(await refused(sign(known))).toBe(detail);
    expect(await personOf(at.identity.session(card))).not.toBe(await personOf(at.signIn(known)));
  });

  it('are refused where the person has another login, or another card that link data does not tie', async () => {
    const card = await at.identity.card();
    await personOf(sign(accountWith(card)));
    expect(await refused(sign(accountWith(card)))).toBe(
      'The person of the card that signed has another national login.',
    );
    const account = accountWith(card);
    const first = await at.identity.card();
    at.login.signing.cards.set(account, signingCard(first));
    await personOf(sign(account));
    at.login.signing.cards.set(account, signingCard(await at.identity.card()));
    expect(await refused(sign(account))).toBe('The person of the login has another card than the one that signed.');
  });

  it('open nothing where either of them is of somebody who was erased', async () => {
    const staff = erasersOf(at.identity);
    const card = await at.identity.card();
    const erased = await personOf(at.identity.session(card));
    expect((await staff.erase(erased)).body.state).toBe('done');
    const renewed = await at.identity.renew(card, { oldStaysValid: true });
    for (const each of [card, renewed]) {
      const { status, body } = await sign(accountWith(each));
      expect([status, body.code]).toEqual([409, 'identity.erased']);
    }
    const account = accountWith(await at.identity.card());
    expect((await staff.erase(await personOf(at.signIn(account)))).body.state).toBe('done');
    expect((await sign(account)).body.code).toBe('identity.erased');
  });

  it('wait for staff where link data ties the card to two persons', async () => {
    const [one, other] = [await at.identity.card(), await at.identity.card()];
    await personOf(at.identity.session(one));
    await personOf(at.identity.session(other));
    const torn = await at.identity.renew(one, { oldStaysValid: true, alsoFollows: other });
    expect(await refused(sign(accountWith(torn)))).toBe('Link data ties this card to more than one person.');
    expect((await openReviews(at.identity))[0]?.kind).toBe('contradicting_lineage');
  });
});

describe('nothing personal', () => {
  it('stands in the log, the log lines or the tables outside the vault', async () => {
    const card = await at.identity.card({ name: '秘密花子', birthDate: '1987-12-13', residence: '13102' });
    const account = accountWith(card, { name: '秘密花子', birthdate: '1987-12-13' });
    const { loginId, authorizationUrl } = (await at.begin(undefined, { sign: true })).body;
    const returned = await at.login.authorize(authorizationUrl, account);
    // What is kept over an outage is looked at, too.
    expect((await withoutLinks(() => at.complete(loginId, returned))).status).toBe(503);
    await personOf(at.complete(loginId, returned));
    const { pool, logLines } = at.identity.service;
    const { rows } = await pool.query('select * from events');
    const logins = await pool.query("select *, encode(sealed, 'escape') as sealed from national_logins");
    const vault = await pool.query("select encode(sealed, 'escape') as sealed from vault_attributes");
    const seen = JSON.stringify([rows, logLines, logins.rows, vault.rows]);
    const subject = createHash('sha256').update(`tsunagu ${account}`).digest('base64url');
    const own = [stringOf(card) ?? '', card.signatureCertificate?.slice(100, 140) ?? ''];
    const secrets = ['秘密花子', '1987-12-13', '19871213', '中央区', account, subject, ...own];
    expect(secrets.filter((each) => seen.includes(each))).toEqual([]);
    expect(seen).toContain('loginSignature');
  });
});
