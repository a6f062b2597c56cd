import { UnprocessableMessage } from '@tsunagu/event-feed';
import { type Projection, verifyProjection } from '@tsunagu/event-store';
import fc from 'fast-check';
import pg from 'pg';
import { definition } from '../definition.js';
import { grantRefused, pointsGranted, type Stage, startStage } from '../test-stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.service.close());

/** Claims of so many persons on a new campaign. */
async function claims(count: number) {
  const campaign = await stage.open();
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { personId, token } = await stage.person();
      const { body } = await stage.claim(campaign, token);
      const stream = `entitlement-${campaign.measureId}+${personId}`;
      return { ...body, claimId: String(body.claimId), personId, token, stream };
    }),
  );
}

async function types(stream: string): Promise<readonly string[]> {
  return ((await stage.service.log.readStreams([stream])).get(stream) ?? []).map(({ type }) => type);
}

describe("the ledger's answers", () => {
  it('grant and refuse a batch of claims, with who caused it', async () => {
    const [one, two] = await claims(2);
    const grant = pointsGranted(one, one.personId);
    await stage.deliver(grant, grantRefused(two, two.personId));
    expect((await stage.get(`/claims/${one.claimId}`, one.token)).body.state).toBe('granted');
    expect((await stage.get(`/claims/${two.claimId}`, two.token)).body.state).toBe('refused');
    const events = (await stage.service.log.readStreams([one.stream])).get(one.stream);
    expect(events?.at(-1)).toMatchObject({
      type: 'ClaimGranted',
      causationId: grant.id,
      correlationId: grant.correlationId,
      actor: 'service:campaign',
      ownerId: 'demo',
      effectiveAt: grant.effectiveAt,
    });
  });

  it('change nothing when they come again: in one batch, in the next, or in two processes at once', async () => {
    const [claim] = await claims(1);
    const grant = pointsGranted(claim, claim.personId);
    await stage.deliver(grant, grant);
    await stage.deliver(grant);
    await Promise.all([stage.deliver(grant), stage.deliver(grant)]);
    expect(await types(claim.stream)).toEqual(['ClaimAccepted', 'ClaimGranted']);
    const [racing] = await claims(1);
    const same = pointsGranted(racing, racing.personId);
    await Promise.all(Array.from({ length: 8 }, () => stage.deliver(same)));
    expect(await types(racing.stream)).toEqual(['ClaimAccepted', 'ClaimGranted']);
  });

  it('to an attempt that is over are passed over', async () => {
    const [claim] = await claims(1);
    const first = grantRefused(claim, claim.personId);
    await stage.deliver(first);
    const campaign = { campaignId: claim.campaignId, measureId: claim.measureId };
    expect((await stage.claim(campaign, claim.token)).body.state).toBe('accepted');
    await stage.deliver(first, grantRefused(claim, claim.personId, 1));
    expect((await stage.get(`/claims/${claim.claimId}`, claim.token)).body.state).toBe('accepted');
    await stage.deliver(grantRefused(claim, claim.personId, 2), first);
    expect(await types(claim.stream)).toEqual(['ClaimAccepted', 'ClaimRefused', 'ClaimReopened', 'ClaimRefused']);
  });

  it('meet a claim that a person reopens in the same moment', async () => {
    for (let i = 0; i < 5; i += 1) {
      const [claim] = await claims(1);
      await stage.deliver(grantRefused(claim, claim.personId));
      const campaign = { campaignId: claim.campaignId, measureId: claim.measureId };
      await Promise.all([
        ...Array.from({ length: 5 }, () => stage.claim(campaign, claim.token)),
        stage.deliver(pointsGranted(claim, claim.personId, 2)),
      ]);
      expect((await types(claim.stream)).filter((type) => type === 'ClaimGranted')).toHaveLength(1);
      expect((await stage.get(`/claims/${claim.claimId}`, claim.token)).body.state).toBe('granted');
    }
  });

  it('to a claim that was never made here can never be worked off', async () => {
    const [claim] = await claims(1);
    const stranger = await stage.person();
    await expect(stage.deliver(pointsGranted(claim, stranger.personId))).rejects.toThrow(UnprocessableMessage);
  });

  it('end the same way doubled, shuffled and cut into any batches', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async (choices) => {
        const next = () => choices.next().value ?? 0;
        const made = await claims(6);
        const answers = made.map((claim, i) =>
          i % 3 === 0 ? grantRefused(claim, claim.personId) : pointsGranted(claim, claim.personId),
        );
        const stream = [...answers, ...answers, ...answers].map((answer) => ({ answer, order: next() }));
        const shuffled = stream.sort((a, b) => a.order - b.order).map(({ answer }) => answer);
        while (shuffled.length > 0) await stage.deliver(...shuffled.splice(0, 1 + (next() % 7)));
        for (const [i, { stream }] of made.entries()) {
          expect(await types(stream)).toEqual(['ClaimAccepted', i % 3 === 0 ? 'ClaimRefused' : 'ClaimGranted']);
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe('read models', () => {
  const filled = definition.projections.filter(({ name }) => name === 'campaigns' || name === 'claims');
  it.each(filled.map((each): [string, Projection] => [each.name, each]))(
    '%s equals a fresh fold of the log',
    async (_, projection) => {
      await stage.service.waitForProjections();
      const ownerPool = new pg.Pool({ connectionString: stage.service.ownerUrl, max: 2 });
      try {
        const { log } = stage.service;
        const of = { ownerPool, schema: definition.schema, logs: [log], projection };
        const verified = await verifyProjection(of);
        expect(verified).toMatchObject({ equal: true, positions: new Map([[0, await log.head()]]) });
        await stage.service.pool.query(`update ${projection.tables[0]} set owner_id = 'other'`);
        expect((await verifyProjection(of)).equal).toBe(false);
      } finally {
        await ownerPool.end();
      }
    },
  );
});
