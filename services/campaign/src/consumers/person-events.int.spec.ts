import { type Projection, verifyProjection } from '@tsunagu/event-store';
import { message } from '@tsunagu/service-host/testing';
import pg from 'pg';
import { definition } from '../definition.js';
import { fundId, grantRefused, pointsGranted, type Stage, startStage } from '../test-stage.js';

let stage: Stage;
/** Persons whose grants identity holds. */
const held = new Set<string>();
/** Ids that mean another person, to identity. */
const merges = new Map<string, string>();

beforeAll(async () => {
  stage = await startStage({ CAMPAIGN_CLAIM_DEADLINE_SECONDS: '60', CAMPAIGN_SWEEP_SECONDS: '1' });
  stage.outside.standing = (personId) => ({
    underReview: held.has(personId),
    personId: merges.get(personId) ?? personId,
    formerPersonIds: [...merges].filter(([, kept]) => kept === personId).map(([merged]) => merged),
  });
});
afterAll(() => stage.service.close());

type Campaign = Awaited<ReturnType<Stage['open']>>;

async function claim(
  campaign: Campaign,
  options: { held?: boolean; person?: { personId: string; token: string } } = {},
) {
  const person = options.person ?? (await stage.person());
  if (options.held) held.add(person.personId);
  const { status, body } = await stage.claim(campaign, person.token);
  expect([status, body.state]).toEqual([202, 'accepted']);
  return { ...person, ...body, campaignId: campaign.campaignId, claimId: String(body.claimId) };
}

const types = async ({ measureId, personId }: { measureId: string; personId: string }) => {
  const stream = `entitlement-${measureId}+${personId}`;
  return ((await stage.service.log.readStreams([stream])).get(stream) ?? []).map(({ type }) => type);
};
const view = async ({ claimId, token }: { claimId: string; token: string }) =>
  (await stage.get(`/claims/${claimId}`, token)).body;

const mergeIds = new Map<string, string>();
function ids(keptPersonId: string, mergedPersonId: string) {
  const mergeId = mergeIds.get(mergedPersonId) ?? crypto.randomUUID();
  mergeIds.set(mergedPersonId, mergeId);
  return { keptPersonId, mergedPersonId, mergeId };
}
/** One event for each of the two persons, as identity publishes them. */
const both = (type: 'PersonsMerged' | 'PersonSplit', kept: string, merged: string) =>
  [kept, merged].map((personId) => message(type, { personId, ...ids(kept, merged) }));
const reviewed = (personId: string, outcome: 'same_person' | 'different_persons', isHeld = false) =>
  message('PersonReviewed', { personId, reviewId: fundId, outcome, held: isHeld });

const doubled = async (state = 'open') =>
  (await stage.get(`/doubled-grants?limit=200&state=${state}`, stage.operator)).body.doubledGrants;

/** Looks until it is so, or for ten seconds; what was seen last. */
async function until<T>(look: () => Promise<T>, isSo: (seen: T) => boolean): Promise<T> {
  const last = Date.now() + 10_000;
  for (;;) {
    const seen = await look();
    if (isSo(seen) || Date.now() > last) return seen;
  }
}

describe('a claim of a person under review', () => {
  it('has its receipt at once and is held: published so, and no sweeper takes it for lost', async () => {
    const campaign = await stage.open();
    const made = await claim(campaign, { held: true });
    expect(await view(made)).toMatchObject({
      state: 'accepted',
      reasonCode: 'identity_review',
      receipt: made.receipt,
      pollAfterSeconds: 600,
    });
    const event = (await stage.service.published()).find(
      ({ data }) => (data as { claimId: string }).claimId === made.claimId,
    );
    expect(event).toMatchObject({ type: 'ClaimAccepted', data: { heldFor: 'identity_review' } });
    expect(await stage.claim(campaign, made.token)).toMatchObject({ status: 200, body: { claimId: made.claimId } });

    stage.service.clock.forward(600_000);
    await stage.service.waitForProjections();
    const metrics = await until(
      () => stage.service.running.metrics(),
      (text) => /tsunagu_claims_held\{service="campaign"\} 1/.test(text),
    );
    expect(metrics).toMatch(/tsunagu_claims_overdue\{service="campaign"\} 0/);
    expect(stage.service.logLines.filter((line) => line.alarm === 'claims_overdue')).toEqual([]);
    expect(await types(made)).toEqual(['ClaimAccepted']);
  });

  it('goes to the ledger once the person is known to be somebody else, once however often that is heard', async () => {
    const made = await claim(await stage.open(), { held: true });
    await stage.tell(reviewed(made.personId, 'different_persons', true));
    expect(await types(made)).toEqual(['ClaimAccepted']);
    held.delete(made.personId);
    const outcome = reviewed(made.personId, 'different_persons');
    await Promise.all([stage.tell(outcome, outcome), stage.tell(outcome)]);
    await stage.tell(reviewed(made.personId, 'different_persons'));
    expect(await types(made)).toEqual(['ClaimAccepted', 'ClaimReopened']);
    const { reasonCode, state } = await view(made);
    expect([reasonCode, state]).toEqual([undefined, 'accepted']);
    await stage.deliver(pointsGranted(made, made.personId, 2));
    expect(await view(made)).toMatchObject({ state: 'granted', receipt: made.receipt });
  });

  it('is found by the sweeper where the outcome was heard before the claim was recorded', async () => {
    const released = await claim(await stage.open(), { held: true });
    const merged = await claim(await stage.open(), { held: true });
    held.delete(released.personId);
    merges.set(merged.personId, (await stage.person()).personId);
    stage.service.clock.forward(61_000);
    const wait = { prefer: 'wait=10' };
    expect((await stage.get(`/claims/${merged.claimId}`, merged.token, wait)).body).toMatchObject({
      state: 'cancelled',
      reasonCode: 'persons_merged',
    });
    await stage.deliver(pointsGranted(released, released.personId, 2));
    expect((await stage.get(`/claims/${released.claimId}`, released.token, wait)).body.state).toBe('granted');
    expect(await types(released)).toEqual(['ClaimAccepted', 'ClaimReopened', 'ClaimGranted']);
  });
});

describe('two persons who are one', () => {
  it('have one claim: what the merged one waited for ends, what is in the ledger stays and is theirs', async () => {
    const [one, two] = [await stage.open(), await stage.open()];
    const [kept, other] = [await stage.person(), await stage.person()];
    const waiting = await claim(one, { person: other, held: true });
    held.delete(other.personId);
    const sent = await claim(two, { person: other });
    merges.set(other.personId, kept.personId);
    await stage.tell(...both('PersonsMerged', kept.personId, other.personId));
    expect(await view(waiting)).toMatchObject({ state: 'cancelled', reasonCode: 'persons_merged' });
    expect((await view(sent)).state).toBe('accepted');

    // The old session claims nothing more; the new one sees what is theirs under either id.
    const refused = await stage.claim(await stage.open(), other.token);
    expect([refused.status, refused.body.code]).toEqual([409, 'campaign.person_merged']);
    const again = await stage.claim(two, kept.token);
    expect([again.status, again.body.claimId]).toEqual([200, sent.claimId]);
    expect((await view({ ...sent, token: kept.token })).claimId).toBe(sent.claimId);
    await claim(one, { person: kept });
    const listed = (await stage.get('/claims', kept.token)).body.claims;
    expect(listed.map(({ state }: { state: string }) => state)).toEqual(['accepted', 'accepted', 'cancelled']);
  });

  it('get no second grant by reopening what the one was refused: not by a claim, not by the batch, nor while under review', async () => {
    const campaign = await stage.open();
    const [kept, other] = [await claim(campaign), await claim(campaign)];
    await stage.deliver(grantRefused(kept, kept.personId), pointsGranted(other, other.personId));
    const path = `/campaigns/${campaign.campaignId}/claim-reopenings`;
    const again = async () => [
      (await stage.claim(campaign, kept.token)).body.state,
      (await stage.post(path, stage.operator)).body.reopened,
    ];
    merges.set(other.personId, kept.personId);
    expect(await again()).toEqual(['refused', 0]);
    // Nor the other way round: the id that means somebody else by now claims nothing more.
    merges.delete(other.personId);
    merges.set(kept.personId, other.personId);
    expect(await again()).toEqual(['refused', 0]);
    merges.delete(kept.personId);
    held.add(kept.personId);
    expect(await again()).toEqual(['refused', 0]);
    held.delete(kept.personId);
    expect(await types(kept)).toEqual(['ClaimAccepted', 'ClaimRefused']);
    expect(await again()).toEqual(['accepted', 0]);
  });

  it('who were both granted are listed once, until one grant is reversed', async () => {
    const campaign = await stage.open();
    const [a, b] = [await claim(campaign), await claim(campaign)];
    await stage.deliver(pointsGranted(a, a.personId), pointsGranted(b, b.personId));
    const merge = both('PersonsMerged', a.personId, b.personId);
    await Promise.all([stage.tell(...merge), stage.tell(...merge.toReversed())]);
    await stage.tell(...merge);
    const items = (await doubled()).filter(({ measureId }: { measureId: string }) => measureId === campaign.measureId);
    expect(items).toEqual([
      {
        claimId: b.claimId,
        accountId: b.personId,
        keptClaimId: a.claimId,
        keptAccountId: a.personId,
        measureId: campaign.measureId,
        campaignId: campaign.campaignId,
        amountPoints: 11_000,
        state: 'open',
        foundAt: expect.any(String),
        dueAt: expect.any(String),
      },
    ]);
    expect(Date.parse(items[0].dueAt) - Date.parse(items[0].foundAt)).toBe(30 * 86_400_000);
    const others = await stage.service.token({ role: 'operator', ownerId: 'tokyo' });
    expect((await stage.get('/doubled-grants', others)).body.doubledGrants).toEqual([]);
    expect((await stage.get('/doubled-grants', a.token)).status).toBe(403);

    const reversal = message('GrantReversed', {
      personId: b.personId,
      reversalId: fundId,
      lotId: fundId,
      fundId,
      ownerId: 'demo',
      claimId: b.claimId,
      measureId: campaign.measureId,
      points: 11_000,
      receivablePoints: 0,
      reasonPattern: 'granted_twice',
      batchId: null,
      dryRun: false,
    });
    await stage.deliver(reversal, reversal);
    await stage.deliver(reversal);
    const isIt = ({ claimId }: { claimId: string }) => claimId === b.claimId;
    expect([(await doubled()).some(isIt), (await doubled('reversed')).some(isIt)]).toEqual([false, true]);
    await stage.tell(...merge);
    expect((await doubled()).some(isIt)).toBe(false);
  });

  it('are found by the sweeper where the second grant comes after the merge', async () => {
    const campaign = await stage.open();
    const [a, b] = [await claim(campaign), await claim(campaign)];
    await stage.tell(...both('PersonsMerged', b.personId, a.personId));
    await stage.deliver(pointsGranted(a, a.personId), pointsGranted(b, b.personId));
    const isIt = ({ claimId }: { claimId: string }) => claimId === a.claimId;
    expect((await until(doubled, (items: { claimId: string }[]) => items.some(isIt))).some(isIt)).toBe(true);
  });

  it('keep one held claim of a measure where the newcomer is the one who is kept', async () => {
    const campaign = await stage.open();
    const first = await claim(campaign);
    await stage.deliver(pointsGranted(first, first.personId));
    const newcomer = await claim(campaign, { held: true });
    held.delete(newcomer.personId);
    await stage.tell(...both('PersonsMerged', newcomer.personId, first.personId));
    await stage.tell(reviewed(newcomer.personId, 'same_person'));
    expect(await view(newcomer)).toMatchObject({ state: 'cancelled', reasonCode: 'persons_merged' });
    expect((await doubled()).some(({ claimId }: { claimId: string }) => claimId === first.claimId)).toBe(false);
  });

  it('are two again after a split: claims that the merge ended go on, and nothing is doubled', async () => {
    const [one, two] = [await stage.open(), await stage.open()];
    const a = await claim(one);
    const b = await claim(one);
    const waiting = await claim(two, { person: b, held: true });
    held.delete(b.personId);
    await stage.deliver(pointsGranted(a, a.personId), pointsGranted(b, b.personId));
    const isIt = ({ claimId }: { claimId: string }) => claimId === b.claimId;
    const merge = both('PersonsMerged', a.personId, b.personId);
    await stage.tell(...merge);
    expect([(await view(waiting)).state, (await doubled()).some(isIt)]).toEqual(['cancelled', true]);
    const split = both('PersonSplit', a.personId, b.personId);
    await Promise.all([stage.tell(...split), stage.tell(...split)]);
    await stage.tell(...merge);
    expect(await types(waiting)).toEqual(['ClaimAccepted', 'ClaimCancelled', 'ClaimReopened']);
    expect([(await doubled()).some(isIt), (await doubled('split')).some(isIt)]).toEqual([false, true]);
    await stage.deliver(grantRefused(waiting, waiting.personId, 2));
    expect((await view(waiting)).state).toBe('refused');
  });
});

describe('read models', () => {
  it.each(definition.projections.map((each): [string, Projection] => [each.name, each]))(
    '%s equals a fresh fold of the log',
    async (_, projection) => {
      await stage.service.waitForProjections();
      const ownerPool = new pg.Pool({ connectionString: stage.service.ownerUrl, max: 2 });
      try {
        const of = { ownerPool, schema: definition.schema, logs: [stage.service.log], projection };
        expect((await verifyProjection(of)).equal).toBe(true);
        await stage.service.pool.query(`update ${projection.tables[0]} set owner_id = 'other'`);
        expect((await verifyProjection(of)).equal).toBe(false);
      } finally {
        await ownerPool.end();
      }
    },
  );
});
