// npm run load:smoke: starts a platform of its own on a free port, sends a claim burst at it with k6, then checks the logs.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isoTime } from '@tsunagu/kernel';
import { PlatformProcess } from '../services/platform/e2e/platform-process.js';
import { checkLaunch } from './launch-check.js';
import { readLaunchRecord } from './launch-record.js';

const RATE = Number(process.env.RATE ?? 200);
const SECONDS = Number(process.env.SECONDS ?? 15);
const AMOUNT_POINTS = 1_000;
/** The fund runs out for the last 1 % of the people, so that refusals are part of every rehearsal. */
const FUNDED_SHARE = 0.99;
const ENDED_WITHIN_MS = 60_000;
const DAY_MS = 86_400_000;

const k6 = findK6();
if (!k6) {
  console.error('load:smoke needs k6 in the PATH or in .cache/bin: go install go.k6.io/k6@v1.8.1');
  process.exit(1);
}
process.exitCode = await rehearse(k6);

async function rehearse(k6: string): Promise<number> {
  const platform = await PlatformProcess.create();
  try {
    await platform.start();
    const people = RATE * SECONDS;
    const tokensFile = join(platform.dataDirectory, 'tokens.txt');
    const made = await platform.run('token', '--role', 'citizen', '--count', String(people), '--out', tokensFile);
    if (made.code !== 0) throw new Error(made.stderr);
    const { campaignId, measureId } = await openCampaign(platform, Math.floor(people * FUNDED_SHARE));

    const receiptsFile = join(platform.dataDirectory, 'receipts.log');
    const load = spawnSync(
      k6,
      [
        'run',
        '--quiet',
        '--no-usage-report',
        '--log-format',
        'raw',
        '--console-output',
        receiptsFile,
        join(import.meta.dirname, 'launch.js'),
      ],
      {
        stdio: 'inherit',
        env: {
          ...process.env,
          URL: platform.api.baseUrl,
          TOKENS: tokensFile,
          CAMPAIGN: campaignId,
          MEASURE: measureId,
          RATE: String(RATE),
          SECONDS: String(SECONDS),
        },
      },
    );
    const receipts = readReceipts(receiptsFile);
    const record = await untilEnded(platform, receipts);
    const wrong = checkLaunch(record);
    for (const line of wrong.slice(0, 20)) console.error(line);
    const granted = record.ledgerEvents.filter(({ type }) => type === 'PointsGranted').length;
    const refused = record.campaignEvents.filter(({ type }) => type === 'ClaimRefused').length;
    console.log(
      `${receipts.length} receipts, ${granted} grants, ${refused} refused (the fund ran out), ${wrong.length} wrong`,
    );
    const verified = await platform.run('verify');
    console.log(verified.stdout.trim());
    if (verified.code !== 0) console.error(verified.stderr.trim());
    const holds = load.status === 0 && wrong.length === 0 && verified.code === 0 && receipts.length > 0;
    console.log(
      holds
        ? 'The rehearsal holds.'
        : `The rehearsal does not hold${load.status === 0 ? '' : ': k6 thresholds were crossed'}.`,
    );
    return holds ? 0 : 1;
  } finally {
    await platform.remove();
  }
}

async function openCampaign(platform: PlatformProcess, grants: number) {
  const token = await platform.token('operator');
  const fund = await platform.api.expect<{ fundId: string }>(201, 'POST', '/point-ledger/v1/funds', {
    token,
    body: { name: 'Rehearsal', amountPoints: grants * AMOUNT_POINTS, fiscalYear: 2026 },
  });
  const now = Date.now();
  const campaign = await platform.api.expect<{ campaignId: string; measures: { measureId: string }[] }>(
    201,
    'POST',
    '/campaign/v1/campaigns',
    {
      token,
      body: {
        name: 'Rehearsal',
        opensAt: isoTime(now - 1_000),
        closesAt: isoTime(now + DAY_MS),
        measures: [{ name: 'One for each', amountPoints: AMOUNT_POINTS, fundId: fund.fundId }],
      },
    },
  );
  await platform.api.expect(200, 'POST', `/campaign/v1/campaigns/${campaign.campaignId}/open`, { token });
  return { campaignId: campaign.campaignId, measureId: campaign.measures[0]?.measureId ?? '' };
}

/** Reads the logs until no claim waits any more, or the time for that is over: the checker then names those that do. */
async function untilEnded(platform: PlatformProcess, receipts: ReturnType<typeof readReceipts>) {
  const until = Date.now() + ENDED_WITHIN_MS;
  for (;;) {
    const record = await readLaunchRecord(platform, receipts);
    const accepted = record.campaignEvents.filter(({ type }) => type === 'ClaimAccepted').length;
    const ended = record.campaignEvents.filter(({ type }) => type === 'ClaimGranted' || type === 'ClaimRefused').length;
    if (ended >= accepted || Date.now() > until) return record;
    await delay(500);
  }
}

function readReceipts(file: string): { person: number; claimId: string; receipt: string }[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

function findK6(): string | undefined {
  const candidates = [
    join(import.meta.dirname, '../.cache/bin/k6'),
    ...(process.env.PATH ?? '').split(':').map((each) => join(each, 'k6')),
  ];
  return candidates.find((path) => existsSync(path));
}
