import { issuePhone } from '@tsunagu/testing';
import { erasersOf } from './test-erasure.js';
import { deskOf, openReviews } from './test-lineage.js';
import { personOf, startTestNationalLogin, stringOf, type TestNationalLogin } from './test-national-login.js';

type Card = Awaited<ReturnType<TestNationalLogin['identity']['card']>>;
type Answer = Awaited<ReturnType<TestNationalLogin['signIn']>>;

let at: TestNationalLogin;
beforeAll(async () => {
  at = await startTestNationalLogin();
});
afterAll(() => at.close());

const codeOf = ({ status, body }: Answer) => [status, body.code];
const loginSession = async (claims = {}) => {
  const account = at.login.account(claims);
  const { body } = await at.signIn(account);
  return { account, token: body.accessToken as string, personId: body.person.personId as string };
};
const join = (card: Card, token: string, options: { withAttributes?: boolean } = {}) =>
  at.identity.session(card, { ...options, token, join: true });
const eventCount = async () => (await at.identity.service.log.readLog({ after: 0, limit: 1_000_000 })).events.length;
const bound = async (personId: string) => {
  const { events } = await at.identity.service.log.readLog({ after: 0, limit: 1_000_000, types: ['CertificateBound'] });
  return events.filter(({ data }) => (data as { personId: string }).personId === personId).length;
};

describe('a card joined in a session that the national login opened', () => {
  it('is that person’s from then on, alone too, with its attributes and its MyKey ID', async () => {
    const { account, token, personId } = await loginSession({ birthdate: '1990-04-01' });
    const card = await at.identity.card({ birthDate: '1990-04-01' });
    const joined = await join(card, token, { withAttributes: true });
    expect([joined.status, joined.body.person]).toEqual([201, { personId, myKeyId: stringOf(card) }]);
    expect(await personOf(at.identity.session(card))).toBe(personId);
    expect(await personOf(at.signIn(account))).toBe(personId);
    expect(await personOf(join(card, token))).toBe(personId);
    const { body } = await deskOf(at.identity.service, 'desk').get(`/persons/${personId}?reason=CASE-1`);
    expect(body.cards).toBe(1);
    const { rows } = await at.identity.service.pool.query(
      `select data::jsonb ->> 'by' as by from events where type = 'CardJoined' and data::jsonb ->> 'personId' = $1`,
      [personId],
    );
    expect(rows).toEqual([{ by: 'session' }]);
  });

  it('brings what link data ties to it: a phone, the card after it, and the card before it', async () => {
    const { token, personId } = await loginSession();
    const old = await at.identity.card();
    const card = await at.identity.renew(old, { oldStaysValid: true });
    const phone = await issuePhone(at.identity.store, card, { nowMs: at.identity.service.clock.now() });
    expect(await personOf(join(card, token))).toBe(personId);
    at.identity.issuer.mode.links = 'unavailable';
    try {
      for (const each of [old, phone]) expect(await personOf(at.identity.session(each))).toBe(personId);
    } finally {
      at.identity.issuer.mode.links = 'available';
    }
    const next = await at.identity.renew(card, { oldStaysValid: true });
    expect(await personOf(join(next, token))).toBe(personId);
  });

  it('is not joined by a token alone', async () => {
    const { token, personId } = await loginSession();
    for (const asked of [undefined, false]) {
      const options = { token, ...(asked === undefined ? {} : { join: asked }) };
      expect(await personOf(at.identity.session(await at.identity.card(), options))).not.toBe(personId);
    }
    expect(await bound(personId)).toBe(0);
  });

  it('is one person’s when it comes twenty times at once, half of them without the session', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { token, personId } = await loginSession();
      const card = await at.identity.card();
      const taps = Array.from({ length: 20 }, (_, n) =>
        n % 2 === round % 2 ? join(card, token) : at.identity.session(card),
      );
      const answers = await Promise.all(taps);
      const people = new Set(answers.flatMap(({ body }) => body.person?.personId ?? []));
      expect(people.size).toBe(1);
      // Where the plain tap was first, the card is somebody else's, and every joining one is refused.
      const isJoined = people.has(personId);
      const others = answers.filter(({ status }) => status !== 201).map(codeOf);
      expect(others).toEqual(isJoined ? [] : Array.from({ length: 10 }, () => [409, 'identity.under_review']));
      expect(await bound([...people][0] ?? '')).toBe(1);
    }
  });

  it('is the only one of two that come at once', async () => {
    const { token, personId } = await loginSession();
    const cards = await Promise.all([at.identity.card(), at.identity.card()]);
    const codes = (await Promise.all(cards.map((card) => join(card, token)))).map(codeOf);
    expect(codes.sort()).toEqual([
      [201, undefined],
      [409, 'identity.under_review'],
    ]);
    expect(await bound(personId)).toBe(1);
  });
});

describe('a card is not joined', () => {
  const refused = async (card: Card, token: string, options: { withAttributes?: boolean } = {}) => {
    const answer = await join(card, token, options);
    expect(codeOf(answer)).toEqual([409, 'identity.under_review']);
    return answer.body.detail as string;
  };

  it('where it is somebody else’s, by itself or by link data: nothing is merged, and staff look once', async () => {
    const before = (await openReviews(at.identity)).length;
    const { account, token, personId } = await loginSession();
    const theirs = await at.identity.card();
    const stranger = await personOf(at.identity.session(theirs));
    const renewed = await at.identity.renew(theirs, { oldStaysValid: true });
    for (const card of [theirs, renewed, theirs]) {
      expect(await refused(card, token)).toBe('The card belongs to another person than the session.');
    }
    expect((await openReviews(at.identity)).length).toBe(before + 1);
    expect(await personOf(at.identity.session(renewed))).toBe(stranger);
    expect(await personOf(at.signIn(account))).toBe(personId);
  });

  it('where it tells another birth date than the login', async () => {
    const { token, personId } = await loginSession({ birthdate: '1987-12-13' });
    const card = await at.identity.card({ birthDate: '1990-04-01' });
    const before = await eventCount();
    expect(await refused(card, token, { withAttributes: true })).toBe(
      'The card tells of somebody else than the session.',
    );
    expect(await eventCount()).toBe(before);
    expect(await personOf(at.identity.session(card, { withAttributes: true }))).not.toBe(personId);
  });

  it('where the person has another card that link data does not tie', async () => {
    const { token, personId } = await loginSession();
    expect(await personOf(join(await at.identity.card(), token))).toBe(personId);
    expect(await refused(await at.identity.card(), token)).toBe('The person of the session has another card.');
    const { body } = await at.identity.session(await at.identity.card());
    const joined = await at.signIn(at.login.account(), body.accessToken);
    expect(joined.body.person).toEqual(body.person);
    await refused(await at.identity.card(), joined.body.accessToken);
  });

  it('while the source of link data is down: 503, and the session goes on', async () => {
    const { token, personId } = await loginSession();
    const card = await at.identity.card();
    const before = await eventCount();
    at.identity.issuer.mode.links = 'unavailable';
    try {
      expect(codeOf(await join(card, token))).toEqual([503, 'identity.lineage_unavailable']);
      expect(await eventCount()).toBe(before);
    } finally {
      at.identity.issuer.mode.links = 'available';
    }
    expect(await personOf(join(card, token))).toBe(personId);
  });

  it('without a session, in one of a card, after its end, and by staff', async () => {
    const card = await at.identity.card();
    const joinWith = (token?: string) =>
      at.identity.session(card, { join: true, ...(token === undefined ? {} : { token }) });
    const before = await eventCount();
    expect(codeOf(await joinWith())).toEqual([401, 'auth.token_invalid']);
    const kiosk = await at.identity.service.token({ role: 'kiosk' });
    expect(codeOf(await joinWith(kiosk))).toEqual([403, 'auth.role_required']);
    expect(await eventCount()).toBe(before);
    const other = await at.identity.citizen();
    const unlisted = await at.identity.service.token({ role: 'citizen', subject: other.personId });
    expect(codeOf(await joinWith(unlisted))).toEqual([401, 'auth.token_invalid']);
    expect(codeOf(await joinWith(other.token))).toEqual([403, 'identity.login_session_required']);
    const { token } = await loginSession();
    await at.identity.service.call('DELETE', '/identity/v1/sessions/current', { token });
    expect(codeOf(await joinWith(token))).toEqual([401, 'auth.token_invalid']);
    const late = await loginSession();
    at.identity.service.clock.forward(1_801_000);
    expect(codeOf(await joinWith(late.token))).toEqual([401, 'auth.token_invalid']);
  });

  it('to somebody who was erased, whose session ended with that', async () => {
    const erased = await loginSession();
    const staff = erasersOf(at.identity);
    expect((await staff.erase(erased.personId)).body.state).toBe('done');
    expect(codeOf(await join(await at.identity.card(), erased.token))).toEqual([401, 'auth.token_invalid']);
  });
});
