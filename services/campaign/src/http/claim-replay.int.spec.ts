import { campaignBody, fundId, grantRefused, pointsGranted, type Stage, startStage } from '../test-stage.js';
import type { LedgerQuestion, LedgerStep } from '../workflows/claim-replay.js';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.service.close());

const auditor = (ownerId = 'demo') => stage.service.token({ role: 'auditor', ownerId, subject: 'audit-1' });
const answered = (same = true): LedgerStep['again'] => ({ same, decided: null, problem: null });

/** A claim, refused for an empty fund, reopened and granted, and what the ledger tells of it. */
async function claimWithAHistory() {
  const rules = { ...campaignBody.measures[0], eligibility: { minimumAge: 15 } };
  const campaign = await stage.open({ ...campaignBody, measures: [rules] });
  const { personId, token } = await stage.person();
  const factReadAt = '2026-11-19T00:00:00.000Z';
  stage.outside.answers = () => [{ rule: 'age', answer: 'yes', factReadAt }];
  const { body: claim } = await stage.claim(campaign, token);
  const orders = async () =>
    (await stage.service.published()).filter(({ data }) => (data as { claimId: string }).claimId === claim.claimId);
  const [accepted] = await orders();
  const refused = { ...grantRefused(claim, personId), causationId: accepted?.id ?? null };
  await stage.deliver(refused);
  await stage.claim(campaign, token);
  const [, reopened] = await orders();
  const granted = { ...pointsGranted(claim, personId, 2), causationId: reopened?.id ?? null };
  await stage.deliver(granted);
  const [debitAccount, creditAccount] = [`fund:${fundId}:undrawn`, `fund:${fundId}:available`];
  const postings = [{ debitAccount, creditAccount, points: 11_000 }];
  const steps = (): LedgerStep[] => [
    { event: refused, postings: [], again: answered() as NonNullable<LedgerStep['again']> },
    { event: granted, postings, again: answered() as NonNullable<LedgerStep['again']> },
  ];
  return { campaign, claim, personId, accepted, reopened, granted, steps, postings, factReadAt };
}

describe("an auditor's replay of a claim", () => {
  it('shows every event of both logs in their order, the answers, the rule, the postings, and that all comes out the same', async () => {
    const { campaign, claim, personId, accepted, reopened, steps, postings, factReadAt } = await claimWithAHistory();
    let asked: LedgerQuestion | undefined;
    stage.outside.replay = (question) => {
      asked = question;
      return steps();
    };
    const { status, body, headers } = await stage.get(`/claims/${claim.claimId}/replay`, await auditor());
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toMatchObject({
      claimId: claim.claimId,
      receiptNumber: claim.receipt.number,
      state: 'granted',
      personId,
      measureId: campaign.measureId,
      ruleVersion: 1,
      rule: { ruleVersion: 1, eligibility: { minimumAge: 15 }, amountPoints: 11_000, fundId, campaignRevision: 2 },
      answers: [{ rule: 'age', answer: 'yes', factReadAt }],
      same: true,
    });
    const same = { same: true, differences: [], problem: null };
    expect(body.events.map(({ type, decidedAgain }: Record<string, unknown>) => [type, decidedAgain])).toEqual(
      ['ClaimAccepted', 'GrantRefused', 'ClaimRefused', 'ClaimReopened', 'PointsGranted', 'ClaimGranted'].map(
        (type) => [type, same],
      ),
    );
    expect(body.events[0]).toMatchObject({
      service: 'campaign',
      eventId: accepted?.id,
      position: accepted?.position,
      reads: { [`campaign-${campaign.campaignId}`]: 2 },
      data: { answers: [{ rule: 'age', answer: 'yes', factReadAt }] },
    });
    expect(body.events[4]).toMatchObject({ service: 'point-ledger', causationId: reopened?.id, postings });
    expect(asked).toEqual({
      claimId: claim.claimId,
      personId,
      orders: [accepted, reopened].map((event) => ({
        id: event?.id,
        type: event?.type,
        schemaVersion: 1,
        data: event?.data,
      })),
    });
    expect(stage.service.logLines).toContainEqual(
      expect.objectContaining({
        msg: 'claim replayed',
        actor: 'staff:audit-1',
        role: 'auditor',
        claimId: claim.claimId,
      }),
    );
  });

  it('names the members that differ, and the decisions that nothing leads to', async () => {
    const { claim, granted, steps } = await claimWithAHistory();
    const decided = { type: 'PointsGranted', data: { ...granted.data, amountPoints: 9_000 } };
    stage.outside.replay = () =>
      steps().map((step) =>
        step.event === granted ? { ...step, again: { same: false, decided, problem: null } } : step,
      );
    const { body } = await stage.get(`/claims/${claim.claimId}/replay`, await auditor());
    expect(body.same).toBe(false);
    expect(body.events[4].decidedAgain).toEqual({
      same: false,
      differences: [{ member: 'amountPoints', recorded: 11_000, decided: 9_000 }],
      problem: null,
    });

    stage.outside.replay = () => [];
    const silent = (await stage.get(`/claims/${claim.claimId}/replay`, await auditor())).body;
    expect(silent.same).toBe(false);
    expect(
      silent.events.map(({ decidedAgain }: { decidedAgain: { problem: string | null } }) => decidedAgain.problem),
    ).toEqual([null, 'The ledger knows no event that caused it.', null, 'The ledger knows no event that caused it.']);
  });

  it('shows a claim that still waits', async () => {
    const { body: claim } = await stage.claim(await stage.open(), (await stage.person()).token);
    stage.outside.replay = () => [];
    const { body } = await stage.get(`/claims/${claim.claimId}/replay`, await auditor());
    expect(body).toMatchObject({ state: 'accepted', decidedAt: null, answers: [], same: true });
    expect(body.rule.eligibility).toBeNull();
    expect(body.events).toHaveLength(1);
  });

  it("is for auditors, of the claim's owner, and finds nothing under what is no claim", async () => {
    const { personId: _, token } = await stage.person();
    const { body: claim } = await stage.claim(await stage.open(), token);
    const path = `/claims/${claim.claimId}/replay`;
    for (const role of ['operator', 'support', 'finance'] as const) {
      const refused = await stage.get(path, await stage.service.token({ role, ownerId: 'demo' }));
      expect([refused.status, refused.body.code]).toEqual([403, 'auth.role_required']);
    }
    expect((await stage.get(path, token)).status).toBe(403);
    expect((await stage.get(path)).status).toBe(401);
    const before = stage.service.logLines.length;
    expect((await stage.get(path, await auditor('tokyo'))).body.code).toBe('request.not_found');
    for (const id of ['x', fundId, encodeURIComponent("'\u0000"), '%2e%2e']) {
      expect((await stage.get(`/claims/${id}/replay`, await auditor())).status).toBe(404);
    }
    expect(stage.service.logLines.slice(before).filter(({ msg }) => msg === 'claim replayed')).toEqual([]);
  });

  it('says 503 while the ledger does not answer, or does not know the question yet', async () => {
    const { body: claim } = await stage.claim(await stage.open(), (await stage.person()).token);
    const ask = async () => stage.get(`/claims/${claim.claimId}/replay`, await auditor());
    stage.outside.ledgerIsDown = true;
    expect(await ask()).toMatchObject({ status: 503, body: { code: 'service.unavailable' } });
    stage.outside.ledgerIsDown = false;
    stage.outside.replay = () => undefined;
    expect(await ask()).toMatchObject({ status: 503, body: { code: 'service.unavailable' } });
  });
});
