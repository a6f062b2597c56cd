import { Client } from 'pg';
import { requireRunning } from '../src/reach.js';
import { readSettings } from '../src/settings.js';
import { claim, claimEnd, launchCampaign } from './launch.js';
import { PlatformProcess } from './platform-process.js';

interface Replayed {
  readonly same: boolean;
  readonly events: readonly {
    readonly type: string;
    readonly recordedAt: string;
    readonly postings: readonly {
      readonly debitAccount: string;
      readonly creditAccount: string;
      readonly points: number;
    }[];
    readonly decidedAgain?: { readonly same: boolean; readonly differences: readonly object[] };
  }[];
}

describe('the replay of a claim', () => {
  let platform: PlatformProcess;
  let claimId: string;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    const points = { fundPoints: 10_000, amountPoints: 1_000 };
    const launched = await launchCampaign(platform.api, await platform.token('operator'), points);
    const token = await platform.token('citizen', '--count', '1');
    ({ claimId } = (await claim(platform.api, launched, token)).body);
    expect((await claimEnd(platform.api, token, claimId)).state).toBe('granted');
  }, 90_000);
  afterAll(() => platform.remove());

  const ask = async () =>
    platform.api.expect<Replayed>(200, 'GET', `/campaign/v1/claims/${claimId}/replay`, {
      token: await platform.token('auditor'),
    });

  it('says the same to the auditor and on the command line', async () => {
    const { events, same } = await ask();
    expect(events.map(({ type, decidedAgain }) => [type, decidedAgain?.same])).toEqual([
      ['ClaimAccepted', true],
      ['PointsGranted', true],
      ['ClaimGranted', true],
    ]);
    expect(same).toBe(true);
    const printed = await platform.run('replay', claimId);
    expect(printed.code).toBe(0);
    for (const { type, recordedAt, postings } of events) {
      expect(printed.stdout).toMatch(new RegExp(`${recordedAt}.*${type}.*the same`));
      for (const { debitAccount, creditAccount } of postings) {
        expect(printed.stdout).toContain(`1000  ${debitAccount} → ${creditAccount}`);
      }
    }
  });

  it('shows what was changed in the database to both', async () => {
    const { databases } = requireRunning(readSettings({ TSUNAGU_DATA: platform.dataDirectory }));
    const database = new Client({ connectionString: databases.superuser });
    await database.connect();
    await database.query(
      `UPDATE campaign.events SET data = jsonb_set(data::jsonb, '{ruleVersion}', '7')::json WHERE type = 'ClaimAccepted'`,
    );
    await database.end();
    const { events, same } = await ask();
    expect(same).toBe(false);
    expect(events[0]?.decidedAgain).toMatchObject({
      same: false,
      differences: [{ member: 'ruleVersion', recorded: 7, decided: 1 }],
    });
    const printed = await platform.run('replay', claimId);
    expect(printed.code).toBe(1);
    expect(printed.stdout).toContain('ruleVersion: recorded 7, decided 1');
  });
});
