import { decodeJwt } from 'jose';
import { Client } from 'pg';
import { requireRunning } from '../src/reach.js';
import { readSettings } from '../src/settings.js';
import { claim, claimEnd, grant, type Launched, launchCampaign, untilState } from './launch.js';
import { PlatformProcess } from './platform-process.js';

/** A list beside the claims of the same measure, on a whole platform. */
describe('a list of people who made no claim', () => {
  let platform: PlatformProcess;
  let launched: Launched;
  let anna: string;
  let citizens: string[];
  let listId: string;
  const path = () => `/point-ledger/v1/lists/${listId}`;
  const personOf = (token: string) => String(decodeJwt(token).sub);

  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    anna = await platform.token('operator', '--subject', 'anna');
    launched = await launchCampaign(platform.api, anna, { fundPoints: 100_000, amountPoints: 1_000 });
    citizens = await platform.tokens('--role', 'citizen', '--count', '4');
    await grant(platform.api, launched, citizens[0] ?? '');
  }, 90_000);
  afterAll(() => platform.remove());

  it('grants them their points, and who has the measure already is refused', async () => {
    const { api } = platform;
    const { fundId, campaignId, measureId } = launched;
    const body = { name: 'relief', campaignId, measureId };
    ({ listId } = await api.expect<{ listId: string }>(201, 'POST', '/point-ledger/v1/lists', { token: anna, body }));
    const rows = citizens.slice(0, 3).map((token) => `${personOf(token)},500`);
    const sent = await fetch(`${api.baseUrl}${path()}/rows`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${anna}`, 'content-type': 'text/csv' },
      body: ['personId,amountPoints', ...rows, ''].join('\n'),
    });
    expect(sent.status).toBe(200);
    const compared = await api.expect(200, 'POST', `${path()}/comparisons`, { token: anna, body: { fundId } });
    expect(compared.comparison).toMatchObject({ fresh: { persons: 2 }, sameMeasure: { persons: 1 } });
    await api.expect(200, 'POST', `${path()}/release`, { token: anna, body: { fundId, embargoHours: 1 } });
    const ben = await platform.token('operator', '--subject', 'ben');
    await api.expect(200, 'POST', `${path()}/release/approve`, { token: ben });
    await api.expect(200, 'POST', `${path()}/stages/1/start`, { token: anna });
    const list = await untilState(api, path(), anna, ['granted']);
    expect(list.counts).toMatchObject({ grantedPersons: 2, refusedPersons: 1 });
    const account = await api.expect(200, 'GET', '/point-ledger/v1/accounts/me', { token: citizens[1] ?? '' });
    expect(account.lots).toMatchObject([{ remainingPoints: 500, measureId }]);
  });

  it('leaves the claims of the measure their meaning: a person of the list claims it in vain, another one gets it', async () => {
    const { api } = platform;
    const ends = [];
    for (const token of [citizens[1] ?? '', citizens[3] ?? '']) {
      const { body } = await claim(api, launched, token);
      ends.push(await claimEnd(api, token, body.claimId));
    }
    expect(ends[0]).toMatchObject({ state: 'refused', reasonCode: 'already_granted' });
    expect(ends[1]).toMatchObject({ state: 'granted' });
    const { stdout } = await platform.run('status');
    expect(stdout).not.toMatch(/dead letters [1-9]/);
  });

  it('is what verify holds its grants against', async () => {
    expect(await platform.run('verify')).toMatchObject({ code: 0, stderr: '' });
    const { databases } = requireRunning(readSettings({ TSUNAGU_DATA: platform.dataDirectory }));
    const database = new Client({ connectionString: databases.superuser });
    await database.connect();
    const set = (points: number) =>
      database.query('UPDATE point_ledger.list_rows SET amount_points = $1 WHERE person_id = $2', [
        points,
        personOf(citizens[1] ?? ''),
      ]);
    await set(5_000);
    const verified = await platform.run('verify');
    await set(500);
    await database.end();
    expect(verified.code).toBe(1);
    expect(verified.stderr).toMatch(/I6 .*not those that were validated/s);
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 60_000);
});
