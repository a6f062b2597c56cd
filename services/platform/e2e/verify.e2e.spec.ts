import { Client } from 'pg';
import { requireRunning } from '../src/reach.js';
import { readSettings } from '../src/settings.js';
import { claim, claimEnd, launchCampaign } from './launch.js';
import { PlatformProcess } from './platform-process.js';

/** What somebody with the database's password could do to it; each must be found and named. */
const tamperings: readonly [what: string, sql: string, undo: string, found: RegExp][] = [
  [
    'a grant made larger',
    `UPDATE point_ledger.events SET data = jsonb_set(data::jsonb, '{amountPoints}', '5000')::json WHERE type = 'PointsGranted'`,
    `UPDATE point_ledger.events SET data = jsonb_set(data::jsonb, '{amountPoints}', '1000')::json WHERE type = 'PointsGranted'`,
    /I3 .*PointsGranted|I3 .*granted 5000/s,
  ],
  [
    'a claim that the campaign forgot',
    `UPDATE campaign.events SET type = 'ClaimForgotten' WHERE type = 'ClaimGranted'`,
    `UPDATE campaign.events SET type = 'ClaimGranted' WHERE type = 'ClaimForgotten'`,
    /I7 .*projection claims|I2 /s,
  ],
  [
    'an answer changed after the decision',
    `UPDATE campaign.events SET data = jsonb_set(data::jsonb, '{amountPoints}', '9')::json WHERE type = 'ClaimAccepted'`,
    `UPDATE campaign.events SET data = jsonb_set(data::jsonb, '{amountPoints}', '1000')::json WHERE type = 'ClaimAccepted'`,
    /I6 .*campaign position/s,
  ],
  [
    'a row of a read model',
    `UPDATE point_ledger.postings SET points = points + 1 WHERE credit_account LIKE '%:available'`,
    `UPDATE point_ledger.postings SET points = points - 1 WHERE credit_account LIKE '%:available'`,
    /I7 .*projection double-entry/s,
  ],
  [
    'an event removed from the middle',
    `CREATE TABLE public.removed AS SELECT * FROM identity.events WHERE position = 1; DELETE FROM identity.events WHERE position = 1`,
    `INSERT INTO identity.events SELECT * FROM public.removed; DROP TABLE public.removed`,
    /log .*identity position 2.*follows 0/s,
  ],
];

describe('tsunagu verify', () => {
  let platform: PlatformProcess;
  let database: Client;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    const launched = await launchCampaign(platform.api, await platform.token('operator'), {
      fundPoints: 10_000,
      amountPoints: 1_000,
    });
    const token = await platform.token('citizen', '--count', '1');
    const { body } = await claim(platform.api, launched, token);
    expect((await claimEnd(platform.api, token, body.claimId)).state).toBe('granted');
    const { databases } = requireRunning(readSettings({ TSUNAGU_DATA: platform.dataDirectory }));
    database = new Client({ connectionString: databases.superuser });
    database.on('error', () => undefined); // the platform's stop ends this connection too
    await database.connect();
  }, 90_000);
  afterAll(async () => {
    await database.end();
    await platform.remove();
  });

  it('finds nothing wrong with what nobody touched', async () => {
    const verified = await platform.run('verify');
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toContain('Every invariant holds.');
  });

  it.each(tamperings)('finds %s, and says where', async (_, sql, undo, found) => {
    await database.query(sql);
    const verified = await platform.run('verify');
    await database.query(undo);
    expect(verified.code).toBe(1);
    expect(verified.stderr).toMatch(found);
  });

  it('holds again when it was undone, also on a stopped platform', async () => {
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
    await platform.stop();
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 60_000);
});
