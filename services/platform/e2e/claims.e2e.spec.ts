import { claim, claimEnd, launchCampaign } from './launch.js';
import { PlatformProcess } from './platform-process.js';

const PEOPLE = 100;
const CLAIMS_EACH = 40;
const AMOUNT_POINTS = 1_000;

describe('40 claims of one person at once, for 100 persons', () => {
  let platform: PlatformProcess;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
  }, 90_000);
  afterAll(() => platform.remove());

  it('gives each person one receipt, one grant, and takes the fund to its last point', async () => {
    const { api } = platform;
    const operator = await platform.token('operator');
    const launched = await launchCampaign(api, operator, {
      fundPoints: PEOPLE * AMOUNT_POINTS,
      amountPoints: AMOUNT_POINTS,
    });
    const people = await platform.tokens('--role', 'citizen', '--count', String(PEOPLE));
    expect(people).toHaveLength(PEOPLE);

    for (const token of people) {
      const answers = await Promise.all(Array.from({ length: CLAIMS_EACH }, () => claim(api, launched, token)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 200]));
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
      expect(new Set(answers.map(({ body }) => `${body.claimId} ${body.receipt.number}`)).size).toBe(1);
    }
    for (const token of people) {
      const mine = await api.expect<{ claims: { claimId: string }[] }>(200, 'GET', '/campaign/v1/claims', { token });
      expect(mine.claims).toHaveLength(1);
      const end = await claimEnd(api, token, mine.claims[0]?.claimId ?? '');
      expect(end.state).toBe('granted');
      const account = await api.expect<{ availablePoints: number; lots: unknown[] }>(
        200,
        'GET',
        '/point-ledger/v1/accounts/me',
        { token },
      );
      expect(account).toMatchObject({ availablePoints: AMOUNT_POINTS, lots: [{ remainingPoints: AMOUNT_POINTS }] });
      expect(account.lots).toHaveLength(1);
    }
    const fund = await api.expect<{ undrawnPoints: number }>(200, 'GET', `/point-ledger/v1/funds/${launched.fundId}`, {
      token: operator,
    });
    expect(fund.undrawnPoints).toBe(0);
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 120_000);
});
