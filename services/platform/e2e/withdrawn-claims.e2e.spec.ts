import { claim, claimEnd, type Launched, launchCampaign, untilState } from './launch.js';
import { People } from './people.js';
import { PlatformProcess } from './platform-process.js';

const AMOUNT_POINTS = 1_000;

describe('a person who withdraws the use of what was read from the card', () => {
  let platform: PlatformProcess;
  let people: People;
  let launched: Launched;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    people = People.of(platform);
    const money = { fundPoints: AMOUNT_POINTS - 1, amountPoints: AMOUNT_POINTS, eligibility: { minimumAge: 15 } };
    launched = await launchCampaign(platform.api, await platform.token('operator'), money);
  }, 90_000);
  afterAll(() => platform.remove());

  it('is not granted by a raise until the card is read again and the claim made once more: same claim, same receipt', async () => {
    const { api } = platform;
    const operator = await platform.token('operator');
    const card = await people.card({ birthDate: '1990-04-01' });
    const session = async () => {
      const { status, body } = await people.signIn(card, { attributesOf: card });
      expect(status).toBe(201);
      return body.accessToken;
    };
    const token = await session();
    const made = await claim(api, launched, token);
    const { claimId, receipt } = made.body;
    expect(await claimEnd(api, token, claimId)).toMatchObject({ state: 'refused', reasonCode: 'fund_exhausted' });

    await api.expect(200, 'POST', '/identity/v1/consents/attributes/withdraw', { token, body: {} });
    const ended = { state: 'cancelled', reasonCode: 'consent_withdrawn', curable: true };
    expect(await untilState(api, `/campaign/v1/claims/${claimId}`, token, ['cancelled'])).toMatchObject(ended);

    await api.expect(201, 'POST', `/point-ledger/v1/funds/${launched.fundId}/raises`, {
      token: operator,
      body: { amountPoints: 10 * AMOUNT_POINTS },
    });
    const batch = `/campaign/v1/campaigns/${launched.campaignId}/claim-reopenings`;
    expect(await api.expect(200, 'POST', batch, { token: operator })).toMatchObject({ reopened: 0 });
    expect((await claim(api, launched, token)).body).toMatchObject(ended);
    expect(await platform.run('verify')).toMatchObject({ code: 0 });

    const again = await claim(api, launched, await session());
    expect([again.status, again.body.state, again.body.claimId, again.body.receipt]).toEqual([
      200,
      'accepted',
      claimId,
      receipt,
    ]);
    expect(await claimEnd(api, token, claimId)).toMatchObject({ state: 'granted', receipt });
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 120_000);
});
