import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type BenchRow, spread } from '@tsunagu/event-store/bench';
import { fill, millionRows, openFilledLog } from '@tsunagu/point-ledger/bench';
import { Client } from 'pg';
import { launchCampaign } from '../services/platform/e2e/launch.js';
import { PlatformProcess } from '../services/platform/e2e/platform-process.js';
import type { DatabaseUrls } from '../services/platform/src/database.js';
import { requireRunning, withData } from '../services/platform/src/reach.js';
import { readSettings, type Settings } from '../services/platform/src/settings.js';
import { generateLoad } from './generate-load.js';

const EVENTS = Number(process.env.BENCH_EVENTS ?? 20_000_000);
/** Built once and kept. */
const DATA = process.env.BENCH_DATA ?? join(tmpdir(), 'tsunagu-bench-millions');
const RESTARTS = 5;
const CLAIMS_A_SECOND = 500;
const LOAD_SECONDS = 4;
const KILLED_AFTER_MS = 2_500;
const GRANTED_WITHIN_MS = 30_000;
const SERVING_WITHIN_SECONDS = 5;

/** The ledger with millions of accounts and events, and the platform's restart on it after `kill -9`. */
export async function millionsRows(): Promise<BenchRow[]> {
  mkdirSync(DATA, { recursive: true });
  const platform = await PlatformProcess.create({ dataDirectory: DATA });
  const settings = readSettings({ TSUNAGU_DATA: DATA, PORT: String(platform.port) });
  await platform.start();
  await platform.stop();
  const rows = await withData(settings, async ({ databases }) => {
    const filled = await openFilledLog(databases.superuser);
    try {
      if ((await filled.log.head()) < EVENTS) {
        await fill(filled, EVENTS, (done) => console.log(`  ${done / 1e6} M of ${EVENTS / 1e6} M events`));
        await filled.pool.query('analyze events');
      }
      const measured = await millionRows(filled, databases.superuser);
      await followersToHead(databases);
      return measured;
    } finally {
      await filled.close();
    }
  });
  return [...rows, await restartRow(platform, settings)];
}

/** Read models and consumers begin behind what was filled in: no claim was made for it, and folding it is not what is measured. */
async function followersToHead({ superuser }: DatabaseUrls): Promise<void> {
  const head = '(select position from point_ledger.log_head)';
  const topic = `'tsunagu.point-ledger.account-events.v1'`;
  await query(
    superuser,
    `update point_ledger.projection_checkpoints set position = ${head};
    update campaign.feed_positions set position = ${head} where topic = ${topic};
    update exchange_settlement.feed_positions set position = ${head} where topic = ${topic}`,
  );
}

async function restartRow(platform: PlatformProcess, settings: Settings): Promise<BenchRow> {
  const seconds: number[] = [];
  await platform.start();
  try {
    const { campaignId, measureId } = await launchCampaign(platform.api, await platform.token('operator'), {
      fundPoints: 1_000_000_000,
      amountPoints: 1_000,
    });
    const perRun = CLAIMS_A_SECOND * LOAD_SECONDS;
    const tokens = await platform.tokens('--role', 'citizen', '--count', String(RESTARTS * perRun), '--ttl', '2h');
    for (let run = 0; run < RESTARTS; run += 1) {
      const postmaster = await postmasterOf(settings);
      const mine = tokens.slice(run * perRun, (run + 1) * perRun);
      const loading = generateLoad({
        mode: 'open',
        url: `${platform.api.baseUrl}/campaign/v1/campaigns/${campaignId}/claims`,
        body: { measureId },
        tokens: mine,
        firstToken: 0,
        rate: CLAIMS_A_SECOND,
        seconds: LOAD_SECONDS,
      });
      await delay(KILLED_AFTER_MS);
      await platform.stop('SIGKILL');
      process.kill(postmaster, 'SIGKILL');
      const startedMs = performance.now();
      await platform.start();
      seconds.push((performance.now() - startedMs) / 1_000);
      const { claims } = await loading;
      await allGrantedOnce(
        settings,
        claims.map(([claimId]) => claimId),
        measureId,
      );
      console.log(`  restart ${run + 1}: ${seconds.at(-1)?.toFixed(2)} s, ${claims.length} receipts, all granted`);
    }
  } finally {
    await platform.stop();
  }
  const spent = spread(seconds);
  return {
    name: `restart after kill -9 of platform and PostgreSQL with ${EVENTS / 1e6} M events, while claims come: times a minute`,
    unit: 'a minute',
    measured: { median: 60 / spent.median, least: 60 / spent.most, most: 60 / spent.least },
    against: `${SERVING_WITHIN_SECONDS} s to serving`,
    limit: spread([60 / SERVING_WITHIN_SECONDS]),
    ratio: SERVING_WITHIN_SECONDS / spent.median,
    bar: 1,
    aim: 1,
  };
}

/** Waits until every receipt is granted; throws where one is lost, or a person was granted twice. */
async function allGrantedOnce(settings: Settings, claimIds: readonly string[], measureId: string): Promise<void> {
  const { superuser } = requireRunning(settings).databases;
  const granted = `select count(*) from campaign.events
    where type = 'ClaimGranted' and data->>'claimId' = any ('{${claimIds.join(',')}}')`;
  const until = Date.now() + GRANTED_WITHIN_MS;
  while (Number((await query(superuser, granted))[0]?.count) < claimIds.length) {
    if (Date.now() > until) throw new Error('a receipt was lost in the restart');
    await delay(100);
  }
  const doubled = `select 1 from point_ledger.events where position > ${EVENTS} and type = 'PointsGranted'
      and data->>'measureId' = '${measureId}' group by data->>'personId' having count(*) > 1`;
  if ((await query(superuser, doubled)).length > 0) throw new Error('somebody was granted twice in the restart');
}

async function postmasterOf(settings: Settings): Promise<number> {
  const read = `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid`;
  return Number((await query(requireRunning(settings).databases.superuser, read))[0]?.pid);
}

async function query(url: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows ?? [];
  } finally {
    await client.end();
  }
}
