import { grantRefused, pointsGranted, type Stage, startStage } from '../test-stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ CAMPAIGN_CLAIM_DEADLINE_SECONDS: '60', CAMPAIGN_SWEEP_SECONDS: '1' });
});
afterAll(() => stage.service.close());

async function claim() {
  const { personId, token } = await stage.person();
  const { body } = await stage.claim(await stage.open(), token);
  return { ...body, claimId: String(body.claimId), personId, token };
}

const alarms = () => stage.service.logLines.filter((line) => line.alarm === 'claims_overdue');
const state = async (made: { claimId: string; token: string }, wait: string) =>
  (await stage.get(`/claims/${made.claimId}`, made.token, { prefer: `wait=${wait}` })).body.state;

describe('a claim past its deadline', () => {
  it("gets the ledger's answer as if it had just arrived, with an alarm; what the ledger has never seen keeps waiting", async () => {
    const [granted, refused, lost] = [await claim(), await claim(), await claim()];
    const answer = pointsGranted(granted, granted.personId);
    stage.outside.grants.set(granted.claimId, { state: 'granted', event: answer });
    stage.outside.grants.set(refused.claimId, { state: 'refused', event: grantRefused(refused, refused.personId) });
    expect(await state(granted, '2')).toBe('accepted');
    expect(alarms()).toEqual([]);

    stage.outside.ledgerIsDown = true;
    stage.service.clock.forward(61_000);
    expect(await state(granted, '2')).toBe('accepted');
    expect(alarms()[0]).toMatchObject({ level: 50, count: 3, claimIds: expect.arrayContaining([lost.claimId]) });
    expect(await stage.service.running.metrics()).toMatch(/tsunagu_claims_overdue\{service="campaign"\} 3/);

    stage.outside.ledgerIsDown = false;
    expect(await state(granted, '10')).toBe('granted');
    expect(await state(refused, '10')).toBe('refused');
    expect(await state(lost, '2')).toBe('accepted');
    expect(await stage.service.running.metrics()).toMatch(/tsunagu_claims_overdue\{service="campaign"\} 1/);

    // The feed brings the same answer after all.
    await stage.deliver(answer);
    const events = await stage.service.log.readLog({ after: 0, limit: 1_000, types: ['ClaimGranted'] });
    expect(events.events).toHaveLength(1);
    stage.outside.grants.set(lost.claimId, { state: 'granted', event: pointsGranted(lost, lost.personId) });
    expect(await state(lost, '10')).toBe('granted');
  });

  it('names no person in its alarm', () => {
    const text = JSON.stringify(alarms());
    expect(alarms().length).toBeGreaterThan(0);
    expect(text).not.toMatch(/person/);
  });
});
