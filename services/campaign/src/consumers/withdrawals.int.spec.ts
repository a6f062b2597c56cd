import { domainEvents } from '@tsunagu/event-store';
import { message } from '@tsunagu/service-host/testing';
import fc from 'fast-check';
import { type ConsentEvent, restOnWithdrawn, withdrawnUntil } from '../domain/consent.js';
import type { Answer } from '../domain/eligibility.js';
import { type EntitlementEvent, foldEntitlement, isHeld } from '../domain/entitlement.js';
import {
  amountPoints,
  campaignBody,
  fundId,
  grantRefused,
  pointsGranted,
  type Stage,
  startStage,
} from '../test-stage.js';

let stage: Stage;
/** Persons whose grants identity holds. */
const held = new Set<string>();
/** When identity read what it knows of a person. */
const readAt = new Map<string, string>();
const tooYoung = new Set<string>();
/** All that were told. */
const withdrawals: ReturnType<typeof withdrawal>[] = [];
/** Persons who withdraw while identity's answer on them is under way. */
const overtaken = new Set<string>();

beforeAll(async () => {
  stage = await startStage({ CAMPAIGN_CLAIM_DEADLINE_SECONDS: '60', CAMPAIGN_SWEEP_SECONDS: '1' });
  stage.outside.standing = (personId) => ({ underReview: held.has(personId) });
  stage.outside.answers = async (personId) => {
    const answers = answersOf(personId);
    if (overtaken.delete(personId)) await withdraw(personId);
    return answers;
  };
});
afterAll(() => stage.service.close());

function answersOf(personId: string): readonly Answer[] {
  const factReadAt = readAt.get(personId) ?? null;
  const answer = tooYoung.has(personId) ? 'no' : 'yes';
  return [{ rule: 'age', answer: factReadAt === null ? 'unknown' : answer, factReadAt }];
}

const now = () => new Date(stage.service.clock.now()).toISOString();
const withRules = { ...campaignBody, measures: [{ ...campaignBody.measures[0], eligibility: { minimumAge: 15 } }] };

async function person(options: { held?: boolean } = {}) {
  const made = await stage.person();
  if (options.held) held.add(made.personId);
  letReadCard(made.personId);
  return made;
}
function letReadCard(personId: string): void {
  stage.service.clock.forward(1_000);
  readAt.set(personId, now());
}

async function claim(campaign: Awaited<ReturnType<Stage['open']>>, made: Awaited<ReturnType<typeof person>>) {
  const { status, body } = await stage.claim(campaign, made.token);
  expect([status, body.state]).toEqual([202, 'accepted']);
  return { ...made, ...body, campaign, claimId: String(body.claimId) };
}
type Claim = Awaited<ReturnType<typeof claim>>;

const view = async ({ claimId, token }: Claim) => (await stage.get(`/claims/${claimId}`, token)).body;
const events = async (stream: string) => (await stage.service.log.readStreams([stream])).get(stream) ?? [];
const eventsOf = ({ measureId, personId }: Claim) => events(`entitlement-${measureId}+${personId}`);
const types = async (made: Claim) => (await eventsOf(made)).map(({ type }) => type);
const withdrawal = (personId: string, withdrawnAt = now()) =>
  message('ConsentWithdrawn', { personId, purpose: 'attributes', withdrawnAt });
/** Identity forgets, and says so. */
async function withdraw(personId: string) {
  readAt.delete(personId);
  const said = withdrawal(personId);
  withdrawals.push(said);
  await stage.tell(said);
  return said;
}
async function noteOnly(personId: string) {
  const { id, data, effectiveAt, correlationId } = withdrawal(personId);
  const { withdrawnAt } = data as { withdrawnAt: string };
  const facts = { id, effectiveAt, correlationId, causationId: null, actor: 'service:campaign', ownerId: null };
  const event = { ...facts, type: 'WithdrawalNoted', data: { personId, withdrawnAt } };
  const writes = [{ stream: `consent-${personId}`, expectedRevision: 'noStream' as const, events: [event] }];
  await stage.service.log.append([{ writes }]);
}
const reviewed = (personId: string) =>
  message('PersonReviewed', { personId, reviewId: fundId, outcome: 'different_persons', held: false });
const batch = async ({ campaign }: Pick<Claim, 'campaign'>) =>
  (await stage.post(`/campaigns/${campaign.campaignId}/claim-reopenings`, stage.operator)).body;
const reopenBatch = async (made: Claim) => (await batch(made)).reopened;

const ended = { state: 'cancelled', reasonCode: 'consent_withdrawn', curable: true };

describe('a withdrawal of consent', () => {
  it('ends a claim that waits for a review, once however often it is heard, and the review does not let it go on', async () => {
    const made = await claim(await stage.open(withRules), await person({ held: true }));
    const said = await withdraw(made.personId);
    await Promise.all([stage.tell(said, said), stage.tell(said)]);
    expect(await view(made)).toMatchObject({ ...ended, receipt: made.receipt });
    held.delete(made.personId);
    await stage.tell(reviewed(made.personId), said);
    expect(await types(made)).toEqual(['ClaimAccepted', 'ClaimCancelled']);
    const noted = await events(`consent-${made.personId}`);
    expect(noted.map(({ type, data, causationId }) => [type, data, causationId])).toEqual([
      ['WithdrawalNoted', { personId: made.personId, withdrawnAt: said.data.withdrawnAt }, said.id],
    ]);
  });

  it('ends a curable refusal, and no batch opens it again before the card is read; then its person does', async () => {
    const made = await claim(await stage.open(withRules), await person());
    await stage.deliver(grantRefused(made, made.personId));
    await withdraw(made.personId);
    expect(await reopenBatch(made)).toBe(0);
    // Nothing is known of the person any more.
    expect(await stage.claim(made.campaign, made.token)).toMatchObject({ status: 200, body: ended });
    letReadCard(made.personId);
    stage.outside.identityIsDown = true;
    expect((await stage.claim(made.campaign, made.token)).body).toMatchObject(ended);
    stage.outside.identityIsDown = false;
    held.add(made.personId);
    expect((await stage.claim(made.campaign, made.token)).body).toMatchObject(ended);
    held.delete(made.personId);
    const again = await Promise.all(Array.from({ length: 5 }, () => stage.claim(made.campaign, made.token)));
    for (const { status, body } of again) {
      expect([status, body.state, body.claimId, body.receipt]).toEqual([200, 'accepted', made.claimId, made.receipt]);
    }
    const recorded = await eventsOf(made);
    expect(recorded.map(({ type }) => type)).toEqual([
      'ClaimAccepted',
      'ClaimRefused',
      'ClaimCancelled',
      'ClaimReopened',
    ]);
    expect(recorded[3]).toMatchObject({
      data: { attempt: 2, answers: answersOf(made.personId) },
      reads: { [`consent-${made.personId}`]: 0 },
    });
    await stage.deliver(pointsGranted(made, made.personId, 2));
    expect(await view(made)).toMatchObject({ state: 'granted', receipt: made.receipt });
  });

  it('lets an operator’s batch go on with those whose card was read since, in receipt order, as far as the fund reaches', async () => {
    const campaign = await stage.open(withRules);
    const made = [];
    for (let i = 0; i < 5; i += 1) made.push(await claim(campaign, await person()));
    await stage.deliver(...made.map((each) => grantRefused(each, each.personId)));
    const [first, unread, unfit, late, tooLate] = made as [Claim, Claim, Claim, Claim, Claim];
    for (const { personId } of [first, unread, unfit, late]) await withdraw(personId);
    for (const { personId } of [late, unfit, first]) letReadCard(personId);
    tooYoung.add(unfit.personId);
    const fund = stage.outside.funds.get(fundId);
    // For two of them: those that stay as they are take nothing of it.
    if (fund) stage.outside.funds.set(fundId, { ...fund, undrawnPoints: 2 * amountPoints });
    const asked = stage.outside.cardsAsked.length;
    expect(await batch({ campaign })).toEqual({ reopened: 2, passedOver: 2, more: false });
    if (fund) stage.outside.funds.set(fundId, fund);
    expect(stage.outside.cardsAsked.slice(asked)).toEqual(made.map(({ personId }) => personId));
    expect((await view(first)).state).toBe('accepted');
    expect(await view(unread)).toMatchObject(ended);
    expect(await view(unfit)).toMatchObject(ended);
    expect((await view(late)).state).toBe('accepted');
    expect(await view(tooLate)).toMatchObject({ state: 'refused', reasonCode: 'fund_exhausted' });
    expect((await eventsOf(first)).at(-1)).toMatchObject({ data: { attempt: 2, answers: answersOf(first.personId) } });
    expect(await batch({ campaign })).toEqual({ reopened: 1, passedOver: 2, more: false });
  });

  it('leaves a claim to the ledger that the ledger has: a grant stays, a refusal is not tried again', async () => {
    const campaign = await stage.open(withRules);
    const [granted, refused, before] = [
      await claim(campaign, await person()),
      await claim(campaign, await person()),
      await claim(campaign, await person()),
    ];
    await stage.deliver(pointsGranted(before, before.personId));
    for (const { personId } of [granted, refused, before]) await withdraw(personId);
    expect([(await view(granted)).state, (await view(refused)).state]).toEqual(['accepted', 'accepted']);
    const [grant, refusal] = [pointsGranted(granted, granted.personId), grantRefused(refused, refused.personId)];
    await Promise.all([stage.deliver(grant, refusal), stage.deliver(refusal, grant)]);
    expect([(await view(granted)).state, (await view(before)).state]).toEqual(['granted', 'granted']);
    expect(await view(refused)).toMatchObject(ended);
    expect(await reopenBatch(refused)).toBe(0);
    expect(await types(refused)).toEqual(['ClaimAccepted', 'ClaimRefused', 'ClaimCancelled']);
  });

  it('does not touch what used nothing of the card', async () => {
    const made = await claim(await stage.open(), await person({ held: true }));
    await withdraw(made.personId);
    expect(await view(made)).toMatchObject({ state: 'accepted', reasonCode: 'identity_review' });
    held.delete(made.personId);
    await stage.tell(reviewed(made.personId));
    expect(await types(made)).toEqual(['ClaimAccepted', 'ClaimReopened']);
  });

  it('that is heard while identity is asked leaves the answers unknown', async () => {
    const made = await person();
    const campaign = await stage.open(withRules);
    overtaken.add(made.personId);
    const { status, body } = await stage.claim(campaign, made.token);
    expect([status, body.code, body.errors]).toEqual([
      403,
      'campaign.not_eligible',
      [expect.objectContaining({ field: 'age', code: 'unknown' })],
    ]);
    letReadCard(made.personId);
    await claim(campaign, made);
  });

  it('that was heard before a held claim was recorded ends it all the same: by the sweeper, by the review', async () => {
    const campaign = await stage.open(withRules);
    const [swept, released] = [
      await claim(campaign, await person({ held: true })),
      await claim(campaign, await person({ held: true })),
    ];
    // As by who read before the note and recorded the claim after it: the note is there, and nobody looked at the claim.
    for (const { personId } of [swept, released]) await noteOnly(personId);
    held.delete(released.personId);
    await stage.tell(reviewed(released.personId));
    expect(await types(released)).toEqual(['ClaimAccepted', 'ClaimCancelled']);
    expect(await view(released)).toMatchObject(ended);
    stage.service.clock.forward(61_000);
    const waited = await stage.get(`/claims/${swept.claimId}`, swept.token, { prefer: 'wait=10' });
    expect(waited.body).toMatchObject(ended);
  });

  it('leaves the person one who has claimed: a claim that ended so can still be granted', async () => {
    const made = await claim(await stage.open(withRules), await person({ held: true }));
    await withdraw(made.personId);
    const token = await stage.service.token({ role: 'service', subject: 'service-link' });
    const path = `/campaign/internal/v1/programmes/default/claims-of/${made.personId}`;
    expect((await stage.service.call('GET', path, { token })).body).toEqual({ claimed: true });
  });
});

describe('in whatever order and at the same moment', () => {
  const act = fc.constantFrom(
    'claim',
    'withdraw',
    'readCard',
    'hold',
    'release',
    'grant',
    'refuse',
    'batch',
    'again',
    'overtake',
  );
  type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

  async function play(moments: readonly (readonly Act[])[], campaign: Awaited<ReturnType<Stage['open']>>) {
    const { personId, token } = await person();
    const entitlement = `entitlement-${campaign.measureId}+${personId}`;
    const reviews: ReturnType<typeof message>[] = [];
    const delivered: ReturnType<typeof message>[] = [];
    const receipts = new Set<string>();
    let granted = false;

    /** The ledger decides each order once, and never grants a claim twice. */
    const decide = async (outcome: 'grant' | 'refuse') => {
      const order = (await handedOver()).find(({ id }) => !delivered.some(({ causationId }) => causationId === id));
      if (!order) return;
      const reason = granted ? 'already_granted' : 'fund_exhausted';
      const made = { ...order.data, campaignId: campaign.campaignId };
      const answer =
        outcome === 'grant' && !granted
          ? pointsGranted(made, personId, order.data.attempt)
          : grantRefused(made, personId, order.data.attempt, reason);
      granted ||= answer.type === 'PointsGranted';
      delivered.push({ ...answer, causationId: order.id });
      await stage.deliver(answer);
    };
    const acts: Record<Act, () => Promise<unknown>> = {
      claim: async () => {
        const { body } = await stage.claim(campaign, token);
        if (body.claimId) receipts.add(`${body.claimId} ${body.receipt.number}`);
      },
      withdraw: async () => {
        stage.service.clock.forward(1);
        await withdraw(personId);
      },
      overtake: async () => overtaken.add(personId),
      readCard: async () => letReadCard(personId),
      hold: async () => held.add(personId),
      release: async () => {
        held.delete(personId);
        reviews.push(reviewed(personId));
        await stage.tell(...reviews.slice(-1));
      },
      grant: () => decide('grant'),
      refuse: () => decide('refuse'),
      batch: () => stage.post(`/campaigns/${campaign.campaignId}/claim-reopenings`, stage.operator),
      again: () => {
        const theirs = withdrawals.filter(({ data }) => (data as { personId: string }).personId === personId);
        return Promise.all([stage.tell(...reviews, ...theirs), stage.deliver(...delivered)]);
      },
    };
    const handedOver = async () =>
      domainEvents<EntitlementEvent>(await events(entitlement)).flatMap((event) => {
        if (event.type !== 'ClaimAccepted' && event.type !== 'ClaimReopened') return [];
        return 'heldFor' in event.data ? [] : [event];
      });

    for (const moment of moments) {
      const before = await stage.service.log.head();
      await Promise.all(moment.map((each) => acts[each]()));
      const notes = domainEvents<ConsentEvent>(await events(`consent-${personId}`));
      for (const { data, position, reads } of await handedOver()) {
        const read = reads?.[`consent-${personId}`] ?? -1;
        // What was noted by the moment before must be heeded; of what is noted in this very one, what was read.
        const heeded = notes.filter((note) => note.revision <= read || (note.position <= before && position > before));
        expect(restOnWithdrawn(data.answers, withdrawnUntil(heeded))).toBe(false);
      }
    }
    for (let i = 0; i < 2; i += 1) await acts.again();
    const recorded = domainEvents<EntitlementEvent>(await events(entitlement));
    const notes = domainEvents<ConsentEvent>(await events(`consent-${personId}`));
    const last = foldEntitlement(recorded);
    expect(recorded.filter(({ type }) => type === 'ClaimGranted')).toHaveLength(granted ? 1 : 0);
    expect(receipts.size).toBeLessThanOrEqual(1);
    if (!last) return;
    expect(new Set(recorded.map(({ data }) => data.claimId)).size).toBe(1);
    // Nothing is left that could still be granted on what was withdrawn.
    const couldBe = isHeld(last) || (last.state === 'refused' && last.curable);
    expect(couldBe && restOnWithdrawn(last.order.answers, withdrawnUntil(notes))).toBe(false);
    const { body } = await stage.get(`/claims/${last.order.claimId}/replay`, await auditor());
    const undecided = body.events.filter(
      ({ type, decidedAgain }: { type: string; decidedAgain?: { same: boolean } }) =>
        ['ClaimAccepted', 'ClaimReopened', 'ClaimCancelled'].includes(type) && !decidedAgain?.same,
    );
    expect(undecided).toEqual([]);
  }
  const auditor = () => stage.service.token({ role: 'auditor', ownerId: 'demo', subject: 'audit-1' });

  it('nothing goes to the ledger on what was withdrawn, nothing is granted twice, claim and receipt stay', async () => {
    const campaign = await stage.open(withRules);
    const moments = fc.array(fc.array(act, { minLength: 1, maxLength: 3 }), { minLength: 4, maxLength: 14 });
    const first = fc.constantFrom<Act[]>(['claim'], ['hold', 'claim'], ['overtake', 'claim'], ['claim', 'withdraw']);
    await fc.assert(
      fc.asyncProperty(first, moments, (begun, played) => play([begun, ...played], campaign)),
      { numRuns: 40, endOnFailure: true },
    );
  }, 120_000);
});
