import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@tsunagu/kernel';
import { Client } from 'pg';
import { requireRunning } from '../src/reach.js';
import { readSettings } from '../src/settings.js';
import { digests } from './digests.js';
import { claim, claimEnd, launchCampaign } from './launch.js';
import { PlatformProcess } from './platform-process.js';

/** The whole platform with a ledger of several logs, as its operator starts, looks at and adds to it. */

const PEOPLE = 16;

let platform: PlatformProcess;
const others: PlatformProcess[] = [];
const place = mkdtempSync(join(tmpdir(), 'tsunagu-several-'));
afterEach(async () => {
  for (const each of [platform, ...others.splice(0)]) await each.remove();
});
afterAll(() => rmSync(place, { recursive: true }));

async function another(environment: Record<string, string>): Promise<PlatformProcess> {
  const process = await PlatformProcess.create({ environment });
  others.push(process);
  return process;
}

async function grantEverybody(launched: Awaited<ReturnType<typeof launchCampaign>>): Promise<readonly string[]> {
  const tokens = await platform.tokens('--role', 'citizen', '--count', String(PEOPLE));
  return Promise.all(
    tokens.map(async (token) => {
      const { body } = await claim(platform.api, launched, token);
      expect((await claimEnd(platform.api, token, body.claimId)).state).toBe('granted');
      return body.claimId;
    }),
  );
}

async function launch() {
  const terms = { fundPoints: 10_000_000, amountPoints: 1_000 };
  return launchCampaign(platform.api, await platform.token('operator'), terms);
}

/** Grants in each log's database. */
async function grantsByLog({ dataDirectory } = platform): Promise<number[]> {
  const { databases } = requireRunning(readSettings({ TSUNAGU_DATA: dataDirectory }));
  const counts: number[] = [];
  for (const url of [databases.owner, ...databases.ledgerLogs.map(({ owner }) => owner)]) {
    counts.push(Number((await onDatabase(url, GRANTS))[0]?.count));
  }
  return counts;
}
const GRANTS = `SELECT count(*) FROM point_ledger.events WHERE type = 'PointsGranted'`;

async function onDatabase(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

it('four logs: claims are granted in all of them, every command sees them, and a tampered one is found', async () => {
  platform = await PlatformProcess.create({ environment: { LEDGER_LOGS: '4' } });
  await platform.start();
  const launched = await launch();
  const claims = await grantEverybody(launched);
  const counts = await grantsByLog();
  expect(counts.reduce((sum, count) => sum + count)).toBe(PEOPLE);
  expect(counts.filter((count) => count > 0).length).toBeGreaterThan(2);

  // A slow machine shows its progress on stderr.
  const verified = await platform.run('verify');
  expect(verified.stdout).toContain('Every invariant holds.');
  expect(verified.code).toBe(0);
  expect((await platform.run('replay', claims[0] ?? '')).stdout).toContain(
    'Deciding again from the log gives the same.',
  );
  const { stdout: status } = await platform.run('status');
  expect(status).toMatch(/head in log 3 \d+/);
  expect(status).toMatch(/consumer +tsunagu\.point-ledger\.account-events\.v1 in log 2: \d+, lag 0/);
  expect(status).toMatch(/projection +entries in log 1: \d+/);
  expect((await platform.run('logs')).stdout).toMatch(/entry 1 +from the beginning +logs 0, 1, 2, 3 +in force/);

  const { databases } = requireRunning(readSettings({ TSUNAGU_DATA: platform.dataDirectory }));
  const log = counts.findIndex((count, number) => number > 0 && count > 0);
  const url = new URL(databases.superuser);
  url.pathname = `/tsunagu_ledger_${log}`;
  const set = (points: number) =>
    `UPDATE point_ledger.events SET data = jsonb_set(data::jsonb, '{amountPoints}', '${points}')::json
      WHERE position = (SELECT min(position) FROM point_ledger.events WHERE type = 'PointsGranted')`;
  await onDatabase(url.href, set(5_000));
  const tampered = await platform.run('verify');
  expect(tampered.code).toBe(1);
  expect(tampered.stderr).toContain(`point-ledger log ${log} position`);
  await onDatabase(url.href, set(1_000));

  // Started again without the setting: as the data were left.
  await platform.stop();
  await platform.start();
  expect(await platform.run('verify')).toMatchObject({ code: 0 });
}, 300_000);

it('a log is added as the runbook says, and databases that do not belong together are refused', async () => {
  platform = await PlatformProcess.create();
  await platform.start();
  const launched = await launch();
  await grantEverybody(launched);
  await platform.stop();
  platform.environment = { LEDGER_LOGS: '2' };
  await platform.start();
  expect((await platform.run('logs')).stdout).toMatch(/entry 0 +from the beginning +logs 0 +in force/);
  expect(await platform.run('logs', 'route', '--to', '0,1')).toMatchObject({ code: 0 });
  await until(async () => /entry 1 .* logs 0, 1 +confirmed/.test((await platform.run('logs')).stdout));
  await platform.run('clock', '--forward', '3h');
  expect((await platform.run('logs')).stdout).toMatch(/entry 1 .* logs 0, 1 +in force/);
  await grantEverybody(launched);
  const [first = 0, second = 0] = await grantsByLog();
  expect(first + second).toBe(2 * PEOPLE);
  expect(first).toBeGreaterThanOrEqual(PEOPLE);
  expect(second).toBeGreaterThan(0);
  expect(await platform.run('verify')).toMatchObject({ code: 0 });

  // Log 1 is not to be had without its connection string, and log 0's own database is not log 1.
  const { databases } = requireRunning(readSettings({ TSUNAGU_DATA: platform.dataDirectory }));
  await onDatabase(databases.superuser, `UPDATE point_ledger.log_identity SET ledger_id = '${newId(1)}'`);
  await platform.stop();
  await expect(platform.start()).rejects.toThrow('LEDGER_LOGS names as log 1 a log of another ledger.');
  platform.environment = { LEDGER_LOGS: '1' };
  await expect(platform.start()).rejects.toThrow('log 1 is not open here: LEDGER_LOGS must name it');
}, 300_000);

it('an export of several logs is read into an empty store with its routing table, and into none without it', async () => {
  platform = await PlatformProcess.create({ environment: { LEDGER_LOGS: '3', TSUNAGU_HEAD_SECONDS: '1' } });
  await platform.start();
  await grantEverybody(await launch());
  await until(everythingIsSigned);
  const [out, keys] = [join(place, 'export'), join(place, 'keys.txt')];
  const exported = await platform.run('export', '--out', out, '--public-keys', keys);
  expect(exported).toMatchObject({ code: 0, stderr: '' });
  const table = join(out, 'point-ledger-routes.json');
  expect(exported.stdout.split('\n')).toContain(table);
  const counts = await grantsByLog();
  const routes = (await platform.run('logs')).stdout.split('\n')[0];
  await platform.stop();

  const few = await another({ LEDGER_LOGS: '2' });
  expect((await few.run('import', out, '--keys', keys)).stderr).toContain('LEDGER_LOGS must name it');
  const copy = await another({ LEDGER_LOGS: '3' });
  const files = globSync('*.jsonl.gz', { cwd: out }).map((file) => join(out, file));
  expect((await copy.run('import', ...files, '--keys', keys)).stderr).toContain('point-ledger-routes.json is missing');
  const other = await another({ LEDGER_LOGS: '3' });
  const written = readFileSync(table, 'utf8');
  const swapped = join(place, 'point-ledger-routes.json');
  writeFileSync(swapped, JSON.stringify({ ...JSON.parse(written), entries: withLogs(written, [0, 2, 1]) }));
  expect((await other.run('import', ...files, swapped, '--keys', keys)).stderr).toContain('puts elsewhere');
  writeFileSync(swapped, '{}');
  expect((await copy.run('import', ...files, swapped, '--keys', keys)).stderr).toContain('is no routing table');

  expect(await copy.run('import', out, '--keys', keys)).toMatchObject({ code: 0, stderr: '' });
  const original = await digests(platform, 'as they stand');
  expect(await digests(copy, 'folded afresh')).toEqual(original);
  expect((await copy.run('logs')).stdout.split('\n')[0]).toBe(routes);
  expect(await copy.run('verify')).toMatchObject({ code: 0 });
  const again = join(place, 'again');
  await copy.run('export', '--out', again);
  expect(await copy.run('audit', again, '--keys', keys)).toMatchObject({ code: 0 });
  expect(readFileSync(join(again, 'point-ledger-routes.json'), 'utf8')).toBe(written);
  await copy.start();
  expect(await grantsByLog(copy)).toEqual(counts);
}, 300_000);

function withLogs(table: string, logs: readonly number[]): object[] {
  return JSON.parse(table).entries.map((entry: object) => ({ ...entry, logs }));
}

/** The newest head of each of the ledger's logs covers all of it, and so do those of the other services. */
async function everythingIsSigned(): Promise<boolean> {
  const { databases } = requireRunning(readSettings({ TSUNAGU_DATA: platform.dataDirectory }));
  const isOpen = async (schema: string, log: number, url: string) => {
    const [at] = await onDatabase(url, `select position from ${schema}.log_head`);
    const heads = `select coalesce(max(size), 0) as size from ${schema}.log_heads where log = ${log}`;
    const [signed] = await onDatabase(databases.owner, heads);
    return Number(at?.position) > Number(signed?.size);
  };
  const open = [
    ...['identity', 'service_link', 'campaign', 'exchange_settlement'].map((name) => isOpen(name, 0, databases.owner)),
    ...[databases.owner, ...databases.ledgerLogs.map(({ owner }) => owner)].map((url, log) =>
      isOpen('point_ledger', log, url),
    ),
  ];
  return (await Promise.all(open)).every((isStillOpen) => !isStillOpen);
}

/** Polls a state; jest's time limit ends what never comes. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 200));
}
