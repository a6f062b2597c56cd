import { revokeCard } from '@tsunagu/testing';
import { startTestIdentity, type TestIdentity } from './test-identity.js';
import { type Desk, deskOf, openReviews, siblingLinks } from './test-lineage.js';

let identity: TestIdentity;
let tie: ReturnType<typeof siblingLinks>;
let one: Desk;
let another: Desk;
beforeAll(async () => {
  identity = await startTestIdentity();
  tie = siblingLinks(identity);
  one = deskOf(identity.service, 'desk-1');
  another = deskOf(identity.service, 'desk-2');
});
afterAll(() => identity.close());

type Card = Awaited<ReturnType<TestIdentity['card']>>;

const session = (card: Card, options?: Parameters<TestIdentity['session']>[1]) => identity.session(card, options);

async function personOf(card: Card): Promise<string> {
  const { status, body } = await session(card);
  expect([status, body.code]).toEqual([201, undefined]);
  return body.person.personId;
}

const now = () => identity.service.clock.now();

describe('one person', () => {
  it('comes back with the card reissued after the old one was put on hold', async () => {
    const lost = await identity.card();
    const person = await personOf(lost);
    revokeCard(identity.store, lost, { nowMs: now(), reason: 'certificateHold' });
    expect((await session(lost)).body.code).toBe('identity.certificate_revoked');
    const found = await identity.renew(lost, { oldStaysValid: true });
    expect(await personOf(found)).toBe(person);
  });

  it('comes back after the old card expired and nobody revoked it', async () => {
    const old = await identity.card();
    const person = await personOf(old);
    identity.service.clock.forward(6 * 366 * 86_400_000);
    try {
      expect((await session(old)).body.code).toBe('identity.certificate_expired');
      expect(await personOf(await identity.renew(old, { oldStaysValid: true }))).toBe(person);
    } finally {
      identity.service.clock.forward(-6 * 366 * 86_400_000);
    }
  });

  it('comes back when the card was lost before it was ever seen, and the one before that is known', async () => {
    const first = await identity.card();
    const person = await personOf(first);
    const lost = await identity.renew(first);
    revokeCard(identity.store, lost, { nowMs: now(), reason: 'keyCompromise' });
    expect(await personOf(await identity.renew(lost, { oldStaysValid: true }))).toBe(person);
  });

  it('is made by a card and a phone that are first seen at the same moment', async () => {
    for (let round = 0; round < 4; round += 1) {
      const [card, phone] = [await identity.card(), await identity.card()];
      tie(card, phone);
      const taps = Array.from({ length: 10 }, (_, index) => personOf(index % 2 === 0 ? card : phone));
      expect(new Set(await Promise.all(taps)).size).toBe(1);
    }
  });

  it('keeps the sibling reserved: the phone presented later is the same person, whatever the source says then', async () => {
    const [card, phone] = [await identity.card(), await identity.card()];
    tie(card, phone);
    const person = await personOf(card);
    identity.issuer.mode.links = 'unavailable';
    try {
      expect(await personOf(phone)).toBe(person);
    } finally {
      identity.issuer.mode.links = 'available';
    }
  });

  it('is not decided while the source is down: 503, and no review for anybody', async () => {
    const before = await openReviews(identity);
    const cards = await Promise.all(Array.from({ length: 5 }, () => identity.card()));
    identity.issuer.mode.links = 'unavailable';
    try {
      for (const card of cards) {
        const { status, body, headers } = await session(card);
        expect([status, body.code]).toEqual([503, 'identity.lineage_unavailable']);
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      }
    } finally {
      identity.issuer.mode.links = 'available';
    }
    expect(await openReviews(identity)).toEqual(before);
    expect(new Set(await Promise.all(cards.map(personOf))).size).toBe(5);
  });
});

describe('a certificate', () => {
  it('is bound once for ever', async () => {
    const { events } = await identity.service.log.readLog({ after: 0, limit: 100_000, types: ['CertificateBound'] });
    const refs = events.map(({ data }) => (data as { certificateRef: string }).certificateRef);
    expect(refs.length).toBeGreaterThan(20);
    expect(new Set(refs).size).toBe(refs.length);
  });

  it('that link data ties to two persons opens one review, however often it comes, and is nobody’s until it is decided', async () => {
    const before = (await openReviews(identity)).length;
    const [mine, other] = [await identity.card(), await identity.card()];
    const [first, second] = [await personOf(mine), await personOf(other)];
    const torn = await identity.renew(mine, { oldStaysValid: true });
    tie(torn, other);
    const answers = await Promise.all(Array.from({ length: 6 }, () => session(torn)));
    expect(answers.map(({ status, body }) => `${status} ${body.code}`)).toEqual(
      answers.map(() => '409 identity.under_review'),
    );
    expect(JSON.stringify(answers.map(({ body }) => body))).not.toMatch(new RegExp(`${first}|${second}`));
    const reviews = await openReviews(identity);
    expect(reviews.length).toBe(before + 1);
    expect(reviews[0]?.kind).toBe('contradicting_lineage');

    const { reviewId = '' } = reviews[0] ?? {};
    const incomplete = await one.decide(reviewId, { outcome: 'different_persons' });
    expect([incomplete.status, incomplete.body.code]).toEqual([422, 'identity.decision_incomplete']);
    const decision = { outcome: 'different_persons', certificatePersonId: second };
    const proposed = await one.decide(reviewId, decision);
    expect((await another.approve(reviewId, proposed)).body.state).toBe('decided');
    expect(await personOf(torn)).toBe(second);
    expect([await personOf(mine), await personOf(other)]).toEqual([first, second]);
  });

  it('of link data that names itself is an ordinary first one', async () => {
    const card = await identity.card();
    tie(card, card);
    expect(await personOf(card)).toBe(await personOf(card));
  });
});
