import { message } from '@tsunagu/service-host/testing';
import type { Answer } from '../domain/eligibility.js';
import { campaignBody, fundId, grantRefused, pointsGranted, type Stage, startStage } from '../test-stage.js';

let stage: Stage;
/** Persons whose grants identity holds. */
const held = new Set<string>();
/** What identity found of a person. */
const found = new Map<string, { change: number; revoked: boolean }>();
const erased = new Set<string>();
const readAt = '2026-11-20T00:00:00.000Z';
const yes: Answer = { rule: 'age', answer: 'yes', factReadAt: readAt };
/** Persons whose card identity finds revoked when it is asked about it. */
const stolen = new Set<string>();

beforeAll(async () => {
  stage = await startStage({ CAMPAIGN_CLAIM_DEADLINE_SECONDS: '60', CAMPAIGN_SWEEP_SECONDS: '1' });
  stage.outside.standing = (personId) => {
    if (stolen.has(personId) && stage.outside.cardsAsked.includes(personId)) found.set(personId, revoked);
    const revocation = found.get(personId);
    return {
      underReview: held.has(personId),
      ...(revocation && { revocation }),
      ...(erased.has(personId) && { erased: true }),
    };
  };
  stage.outside.answers = () => [yes];
});
afterAll(() => stage.service.close());

const revoked = { change: 1, revoked: true };
const restored = { change: 2, revoked: false };
const withRules = { ...campaignBody, measures: [{ ...campaignBody.measures[0], eligibility: { minimumAge: 15 } }] };
const revocation = (personId: string, change = 1) => message('IdentityRevoked', { personId, change });
const restoration = (personId: string, change = 2) => message('IdentityRestored', { personId, change });
const erasure = (personId: string) => message('PersonErased', { personId, erasureId: fundId, keyHash: 'a'.repeat(64) });
const reviewed = (personId: string) =>
  message('PersonReviewed', { personId, reviewId: fundId, outcome: 'different_persons', held: false });

async function claim(options: { held?: boolean; body?: object; campaign?: Awaited<ReturnType<Stage['open']>> } = {}) {
  const campaign = options.campaign ?? (await stage.open(options.body));
  const person = await stage.person();
  if (options.held) held.add(person.personId);
  const { status, body } = await stage.claim(campaign, person.token);
  expect([status, body.state]).toEqual([202, 'accepted']);
  return { ...person, ...body, campaign, campaignId: campaign.campaignId, claimId: String(body.claimId) };
}
type Claim = Awaited<ReturnType<typeof claim>>;

const again = ({ campaign, token }: Claim) => stage.claim(campaign, token);
const view = async ({ claimId, token }: Claim) => (await stage.get(`/claims/${claimId}`, token)).body;
const events = async (stream: string) => (await stage.service.log.readStreams([stream])).get(stream) ?? [];
const eventsOf = ({ measureId, personId }: Claim) => events(`entitlement-${measureId}+${personId}`);
const types = async (made: Claim) => (await eventsOf(made)).map(({ type }) => type);
const batch = async ({ campaign }: Claim) =>
  (await stage.post(`/campaigns/${campaign.campaignId}/claim-reopenings`, stage.operator)).body;
const replay = async ({ claimId }: Claim) => {
  const auditor = await stage.service.token({ role: 'auditor', ownerId: 'demo', subject: 'audit-1' });
  return (await stage.get(`/claims/${claimId}/replay`, auditor)).body;
};
/** The ledger here recorded nothing that a replay could show: of its answers nothing is decided again. */
const differing = async (made: Claim) =>
  (await replay(made)).events.filter(
    ({ data, decidedAgain }: { data: { reasonCode?: string }; decidedAgain?: { same: boolean } }) =>
      decidedAgain?.same === false && data.reasonCode !== 'fund_exhausted',
  );

const refused = { state: 'refused', reasonCode: 'identity_revoked', curable: true };
const gone = { state: 'cancelled', reasonCode: 'person_erased', curable: false };

/** Identity finds it, and says so. */
async function revoke(personId: string) {
  found.set(personId, revoked);
  await stage.tell(revocation(personId));
}
async function restore(personId: string) {
  found.set(personId, restored);
  await stage.tell(restoration(personId));
}

describe('a person whose identity was revoked', () => {
  it('is refused a claim that waits for a review, curably, once however often and late it is heard', async () => {
    const made = await claim({ held: true });
    const said = revocation(made.personId);
    found.set(made.personId, revoked);
    await Promise.all([stage.tell(said, said), stage.tell(said)]);
    expect(await view(made)).toMatchObject({ ...refused, receipt: made.receipt });
    held.delete(made.personId);
    await stage.tell(reviewed(made.personId), said);
    expect(await types(made)).toEqual(['ClaimAccepted', 'ClaimRefused']);
    expect((await again(made)).body).toMatchObject(refused);

    await restore(made.personId);
    await stage.tell(said);
    expect((await again(made)).body).toMatchObject({ state: 'accepted', claimId: made.claimId, receipt: made.receipt });
    expect(await types(made)).toEqual(['ClaimAccepted', 'ClaimRefused', 'ClaimReopened']);
    const notes = await events(`standing-${made.personId}`);
    expect(notes.map(({ type, data }) => [type, data])).toEqual([
      ['RevocationNoted', { personId: made.personId, ...revoked }],
      ['RevocationNoted', { personId: made.personId, ...restored }],
    ]);
    expect((await eventsOf(made))[2]?.reads).toMatchObject({ [`standing-${made.personId}`]: 1 });
    expect(await differing(made)).toEqual([]);
  });

  it('is found by the sweeper, which lets identity ask about the card: nobody presents it any more', async () => {
    const made = await claim({ held: true });
    stolen.add(made.personId);
    stage.service.clock.forward(61_000);
    const { body } = await stage.get(`/claims/${made.claimId}`, made.token, { prefer: 'wait=10' });
    expect(body).toMatchObject(refused);
    expect(await differing(made)).toEqual([]);
    stolen.delete(made.personId);
  });

  it.each([
    ['with rules', withRules],
    ['without rules', campaignBody],
  ])(
    'who claims while the session lives (a measure %s) has the receipt, and nothing goes to the ledger',
    async (_, body) => {
      const campaign = await stage.open(body);
      const person = await stage.person();
      found.set(person.personId, revoked);
      const first = await stage.claim(campaign, person.token);
      expect([first.status, first.body]).toEqual([202, expect.objectContaining(refused)]);
      const made = { ...person, ...first.body, campaign, claimId: String(first.body.claimId) } as Claim;
      expect((await eventsOf(made)).map(({ type, data }) => [type, (data as { heldFor?: string }).heldFor])).toEqual([
        ['ClaimAccepted', 'identity_review'],
        ['ClaimRefused', undefined],
      ]);
      found.set(person.personId, restored);
      const { status, body: next } = await again(made);
      expect([status, next.state, next.receipt]).toEqual([200, 'accepted', first.body.receipt]);
      expect(await differing(made)).toEqual([]);
    },
  );

  it('who has signed in anew is not refused by what is heard of before', async () => {
    const campaign = await stage.open(withRules);
    const person = await stage.person();
    await revoke(person.personId);
    found.set(person.personId, restored);
    expect((await stage.claim(campaign, person.token)).body.state).toBe('accepted');
  });

  it('is refused what the fund could cure; the batch passes over it until a new card signed in, in receipt order', async () => {
    const campaign = await stage.open();
    const [cured, waiting, other] = [await claim({ campaign }), await claim({ campaign }), await claim({ campaign })];
    for (const made of [cured, waiting, other]) await stage.deliver(grantRefused(made, made.personId));
    for (const { personId } of [cured, waiting]) await revoke(personId);
    expect(await view(cured)).toMatchObject(refused);
    found.set(cured.personId, restored);
    expect(await batch(cured)).toEqual({ reopened: 2, passedOver: 1, more: false });
    const states = [(await view(cured)).state, (await view(waiting)).state, (await view(other)).state];
    expect(states).toEqual(['accepted', 'refused', 'accepted']);
    expect(await types(cured)).toEqual(['ClaimAccepted', 'ClaimRefused', 'ClaimRefused', 'ClaimReopened']);
    for (const made of [cured, waiting, other]) expect(await differing(made)).toEqual([]);
  });

  it('whom the batch finds revoked is refused by it', async () => {
    const made = await claim();
    await stage.deliver(grantRefused(made, made.personId));
    stolen.add(made.personId);
    expect(await batch(made)).toEqual({ reopened: 0, passedOver: 1, more: false });
    expect(await view(made)).toMatchObject(refused);
  });

  it('leaves to the ledger what the ledger has: a grant stays, a refusal is not tried again', async () => {
    const campaign = await stage.open();
    const [granted, out] = [await claim({ campaign }), await claim({ campaign })];
    for (const { personId } of [granted, out]) await revoke(personId);
    expect([(await view(granted)).state, (await view(out)).state]).toEqual(['accepted', 'accepted']);
    await stage.deliver(pointsGranted(granted, granted.personId), grantRefused(out, out.personId));
    expect((await view(granted)).state).toBe('granted');
    expect(await view(out)).toMatchObject(refused);
  });

  it('waits for a review too, where both are: cured only when both are over', async () => {
    const made = await claim({ held: true });
    await revoke(made.personId);
    await restore(made.personId);
    expect((await again(made)).body).toMatchObject(refused);
    held.delete(made.personId);
    expect((await again(made)).body.state).toBe('accepted');
  });

  it('stays as they are where identity is of an earlier release, or cannot be heard', async () => {
    const made = await claim();
    await stage.deliver(grantRefused(made, made.personId));
    stage.outside.identityIsDown = true;
    expect((await again(made)).body).toMatchObject({ state: 'refused', reasonCode: 'fund_exhausted' });
    stage.outside.identityIsDown = false;
    stage.outside.knowsCardChecks = false;
    expect((await again(made)).body.state).toBe('accepted');
    stage.outside.knowsCardChecks = true;
  });
});

describe('a person who was erased', () => {
  it('has no claim that waits: it ends for good, once', async () => {
    const campaign = await stage.open();
    const [reviewing, out, revokedOne] = [
      await claim({ campaign, held: true }),
      await claim({ campaign }),
      await claim({ campaign, held: true }),
    ];
    await stage.deliver(grantRefused(out, out.personId));
    await revoke(revokedOne.personId);
    for (const made of [reviewing, out, revokedOne]) {
      erased.add(made.personId);
      const said = erasure(made.personId);
      await Promise.all([stage.tell(said), stage.tell(said, said)]);
      expect(await view(made)).toMatchObject(gone);
      held.delete(made.personId);
      await stage.tell(reviewed(made.personId), restoration(made.personId));
      expect((await types(made)).at(-1)).toBe('ClaimCancelled');
      expect((await again(made)).body).toMatchObject(gone);
      expect(await differing(made)).toEqual([]);
    }
    expect(await batch(out)).toEqual({ reopened: 0, passedOver: 0, more: false });
  });

  it('is granted what the ledger has, and is not tried again after a refusal', async () => {
    const campaign = await stage.open();
    const [granted, out] = [await claim({ campaign }), await claim({ campaign })];
    for (const { personId } of [granted, out]) await stage.tell(erasure(personId));
    await stage.deliver(pointsGranted(granted, granted.personId), grantRefused(out, out.personId));
    expect((await view(granted)).state).toBe('granted');
    expect(await view(out)).toMatchObject(gone);
    expect(await types(out)).toEqual(['ClaimAccepted', 'ClaimRefused', 'ClaimCancelled']);
  });

  it('of whom nobody told is found by the sweeper, and by whose first claim is under way', async () => {
    const made = await claim({ held: true });
    erased.add(made.personId);
    stage.service.clock.forward(61_000);
    const { body } = await stage.get(`/claims/${made.claimId}`, made.token, { prefer: 'wait=10' });
    expect(body).toMatchObject(gone);
    const person = await stage.person();
    erased.add(person.personId);
    const first = await stage.claim(await stage.open(), person.token);
    expect([first.status, first.body]).toEqual([202, expect.objectContaining(gone)]);
  });

  it('after a merge that turns out wrong has no claim either', async () => {
    const [kept, merged] = [await claim({ held: true }), await claim({ held: true })];
    const ids = { keptPersonId: kept.personId, mergedPersonId: merged.personId, mergeId: fundId };
    await stage.tell(message('PersonsMerged', { personId: merged.personId, ...ids }));
    expect(await view(merged)).toMatchObject({ state: 'cancelled', reasonCode: 'persons_merged' });
    await stage.tell(erasure(kept.personId), erasure(merged.personId));
    expect(await view(kept)).toMatchObject(gone);
    await stage.tell(message('PersonSplit', { personId: merged.personId, ...ids }));
    expect(await view(merged)).toMatchObject(gone);
    expect(await differing(merged)).toEqual([]);
  });
});
