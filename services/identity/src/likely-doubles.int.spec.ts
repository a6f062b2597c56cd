import { startTestIdentity, type TestIdentity } from './test-identity.js';
import { deskOf, openReviews } from './test-lineage.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await startTestIdentity('test', { env: { TSUNAGU_DETECTOR_SECONDS: '1' } });
});
afterAll(() => identity.close());

const common = { birthDate: '1988-02-29', name: '試験 紬' };

/** A person of the test issuer, whose sex and street number are drawn by chance. */
async function person(options: Parameters<TestIdentity['card']>[0]): Promise<string> {
  const { status, body } = await identity.session(await identity.card(options), { withAttributes: true });
  expect(status).toBe(201);
  return body.person.personId;
}

/** Looks until there is one, or for so long (real time). */
async function reviewOf(personIds: readonly string[], waitMs = 10_000) {
  const desk = deskOf(identity.service, 'desk-1');
  const last = Date.now() + waitMs;
  while (Date.now() < last) {
    for (const { reviewId } of await openReviews(identity)) {
      const { body } = await desk.get(`/reviews/${reviewId}?reason=spec`);
      if (personIds.every((personId) => body.personIds.includes(personId))) return body;
    }
  }
  return undefined;
}

describe('the detector', () => {
  it('opens a review, once, for two who share name and birth date; grants do not wait for a likely one', async () => {
    const stranger = await person({ ...common, name: '試験 楓', birthDate: '1977-01-01' });
    const first = await person(common);
    // The test issuer draws the sex: while it is the same one, the digest is the same and the digest rule applies.
    let review: { readonly kind: string } | undefined;
    for (let tries = 0; tries < 20 && review?.kind !== 'likely_double'; tries += 1) {
      const second = await person(common);
      review = await reviewOf([first, second]);
      expect(review).toMatchObject({ state: 'open', personIds: [first, second] });
    }
    expect(review?.kind).toBe('likely_double');
    expect(await reviewOf([stranger, first], 1)).toBeUndefined();
  });
});
