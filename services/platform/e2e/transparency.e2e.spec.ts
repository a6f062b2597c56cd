import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Client } from 'pg';
import { requireRunning } from '../src/reach.js';
import { readSettings } from '../src/settings.js';
import { digests } from './digests.js';
import { claim, claimEnd, launchCampaign } from './launch.js';
import { PlatformProcess } from './platform-process.js';

describe('what is recorded can be proved', () => {
  const place = mkdtempSync(join(tmpdir(), 'tsunagu-proofs-'));
  const [out, keys, proofFile] = [join(place, 'export'), join(place, 'keys.txt'), join(place, 'proof.json')];
  let platform: PlatformProcess;
  let copy: PlatformProcess;
  let citizen: string;
  let claimId: string;

  beforeAll(async () => {
    platform = await PlatformProcess.create({
      environment: { TSUNAGU_HEAD_SECONDS: '1', TSUNAGU_LOG_ORIGIN: 'points.example' },
    });
    copy = await PlatformProcess.create();
    await platform.start();
    expect(await platform.run('demo')).toMatchObject({ code: 0 });
    const launched = await launchCampaign(platform.api, await platform.token('operator'), {
      fundPoints: 10_000,
      amountPoints: 1_000,
    });
    citizen = await platform.token('citizen', '--count', '1');
    claimId = (await claim(platform.api, launched, citizen)).body.claimId;
    expect((await claimEnd(platform.api, citizen, claimId)).state).toBe('granted');
    await allSigned();
  }, 120_000);
  afterAll(async () => {
    await platform.remove();
    await copy.remove();
    rmSync(place, { recursive: true });
  });

  const superuser = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const { databases } = requireRunning(readSettings({ TSUNAGU_DATA: platform.dataDirectory }));
    const client = new Client({ connectionString: databases.superuser });
    await client.connect();
    return work(client).finally(() => client.end());
  };

  /** Polls until the newest head of every log covers all of it. */
  async function allSigned(): Promise<void> {
    const schemas = ['identity', 'service_link', 'campaign', 'point_ledger', 'exchange_settlement'];
    const open = schemas.map(
      (schema) =>
        `select (select position from ${schema}.log_head) > coalesce((select max(size) from ${schema}.log_heads), 0) as open`,
    );
    await superuser(async (client) => {
      while ((await client.query<{ open: boolean }>(open.join(' union all '))).rows.some((row) => row.open));
    });
  }

  it('a person gets a proof of their claim and its points, which the command checks offline', async () => {
    const { status, body } = await platform.api.call('GET', `/campaign/v1/claims/${claimId}/proof`, { token: citizen });
    expect(status).toBe(200);
    const { events } = body as { events: { type: string; origin: string; leaf: string }[] };
    expect(events.map(({ type, origin }) => [type, origin])).toEqual([
      ['ClaimAccepted', 'points.example/campaign/0'],
      ['PointsGranted', 'points.example/point-ledger/0'],
    ]);
    writeFileSync(proofFile, JSON.stringify(body));
    const exported = await platform.run('export', '--out', out, '--public-keys', keys);
    expect(exported).toMatchObject({ code: 0, stderr: '' });
    expect(exported.stdout.trim().split('\n')).toHaveLength(6);
    const offline = await platform.run('audit', '--proof', proofFile, '--keys', keys);
    expect(offline).toMatchObject({ code: 0, stderr: '' });
    expect(offline.stdout).toContain('points.example/point-ledger/0 position');
    writeFileSync(proofFile, JSON.stringify(body).replaceAll('1000', '9000'));
    const forged = await platform.run('audit', '--proof', proofFile, '--keys', keys);
    expect(forged.code).toBe(1);
    expect(forged.stderr).toContain('does not lead from this event to the signed root');
  }, 60_000);

  it('the published keys are those of the export', async () => {
    const published: string[] = [];
    for (const segment of ['identity', 'service-link', 'campaign', 'point-ledger', 'exchange']) {
      const { body } = await platform.api.call('GET', `/${segment}/v1/log`);
      published.push(...(body as { logs: { verifierKey: string }[] }).logs.map(({ verifierKey }) => verifierKey));
    }
    expect(readFileSync(keys, 'utf8').trim().split('\n').sort()).toEqual(published.sort());
  });

  it('finds nothing wrong with what nobody touched; the newest head is one that can be kept', async () => {
    const head = join(place, 'head.txt');
    const response = await fetch(`http://127.0.0.1:${platform.port}/point-ledger/v1/log/0/checkpoint`);
    writeFileSync(head, await response.text());
    const audited = await platform.run('audit', out, '--keys', keys, '--checkpoint', head);
    expect(audited).toMatchObject({ code: 0, stderr: '' });
    expect(audited.stdout).toContain('Nothing was tampered with.');
    expect(audited.stdout).toMatch(/I10 {3}point-ledger\/0: \d+ events, \d+ signed heads/);
  });

  it('finds a grant made larger in the database, and says where', async () => {
    const change = (from: string, to: string) =>
      superuser((client) =>
        client.query(
          `update point_ledger.events set data = replace(data::text, $1, $2)::json where type = 'PointsGranted'
                         and position = (select max(position) from point_ledger.events where type = 'PointsGranted') returning position, event_id`,
          [`"amountPoints":${from}`, `"amountPoints":${to}`],
        ),
      );
    const { rows } = await change('1000', '9000');
    const tampered = join(place, 'tampered');
    await platform.run('export', '--out', tampered, '--service', 'point-ledger');
    await change('9000', '1000');
    const audited = await platform.run('audit', tampered, '--keys', keys);
    expect(audited.code).toBe(1);
    const [{ position, event_id }] = rows as [{ position: string; event_id: string }];
    expect(audited.stderr).toContain(
      `I10  point-ledger/0 position ${position}, event ${event_id}: the event at position ${position} is not`,
    );
    const refused = await copy.run('import', tampered, '--keys', keys);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('nothing was imported')]);
  }, 60_000);

  it.each<[string, string[], string]>([
    ['no export', ['audit', '--keys', 'KEYS'], 'Name the export'],
    ['no key', ['audit', 'OUT'], '--keys FILE is needed'],
    ['a path that leads nowhere', ['audit', '/nowhere', '--keys', 'KEYS'], 'There is no /nowhere'],
    ['a file that is no export', ['audit', 'KEYS', '--keys', 'KEYS'], 'cannot be unpacked'],
    ['keys that are none', ['audit', 'OUT', '--keys', 'PROOF'], 'no public key'],
    ['no place to write to', ['export'], '--out DIRECTORY is needed'],
    ['no such service', ['export', '--out', 'OUT', '--service', 'x'], '--service must be one of'],
    ['a proof that is none', ['audit', '--proof', 'KEYS', '--keys', 'KEYS'], 'does not hold the answer'],
    ['a running platform', ['import', 'OUT', '--keys', 'KEYS'], 'already running'],
  ])('says in one sentence what is wrong: %s', async (_, args, sentence) => {
    const given = args.map((each) => ({ KEYS: keys, OUT: out, PROOF: proofFile })[each] ?? each);
    const run = await platform.run(...given);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(sentence);
    expect(run.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('an export read into an empty store gives the same log and the same read models, byte for byte', async () => {
    const imported = await copy.run('import', out, '--keys', keys);
    expect(imported).toMatchObject({ code: 0, stderr: '' });
    expect(await copy.run('import', out, '--keys', keys)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('holds something already'),
    });
    await platform.stop();
    const original = await digests(platform, 'as they stand');
    expect(original.length).toBeGreaterThan(8);
    expect(await digests(copy, 'folded afresh')).toEqual(original);
    const again = join(place, 'again');
    await copy.run('export', '--out', again);
    for (const service of ['campaign', 'point-ledger']) {
      const [before, after] = [out, again].map((directory) => lines(join(directory, `${service}-0.jsonl.gz`)));
      expect(after).toEqual(before);
    }
    expect(await copy.run('audit', again, '--keys', keys)).toMatchObject({ code: 0 });
  }, 120_000);
});

/** The lines of an export but its first, which says when it was made. */
function lines(file: string): string[] {
  return gunzipSync(readFileSync(file)).toString().split('\n').slice(1);
}
