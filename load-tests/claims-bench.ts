import { setTimeout as delay } from 'node:timers/promises';
import { type BenchRow, spread } from '@tsunagu/event-store/bench';
import { type Launched, launchCampaign } from '../services/platform/e2e/launch.js';
import { PlatformProcess } from '../services/platform/e2e/platform-process.js';
import { requireRunning } from '../services/platform/src/reach.js';
import { readSettings } from '../services/platform/src/settings.js';
import { generateLoad } from './generate-load.js';
import { readLaunchRecord } from './launch-record.js';
import { startServiceProcess } from './service-process.js';

const HOLD_SECONDS = Number(process.env.BENCH_HOLD_SECONDS ?? 60);
const TRY_SECONDS = 8;
const GRANTED_WITHIN_MS = 2_000;
const GRANTED_SHARE = 0.99;
/** Shares of the limit that are tried, ascending; the highest that holds for a few seconds is then held for the whole time. */
const SHARES = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6];
const LIMIT_IN_FLIGHT = 64;
const LIMIT_SECONDS = 5;
const LIMIT_RUNS = 3;

interface Held {
  readonly rate: number;
  readonly granted: number;
  readonly p99Ms: number;
  readonly answerP99Ms: number;
  readonly holds: boolean;
}

/**
 * The highest rate of claims over HTTP that is held with 99 % granted within 2 s of being sent and no growing backlog, in an
 * open loop, beside the requests a second of an empty authenticated POST on the same stack. The load generator is a process
 * on the same machine.
 */
export async function claimRows(): Promise<BenchRow[]> {
  const platform = await PlatformProcess.create();
  try {
    await platform.start();
    const limit = await emptyPosts(platform);
    const launched = await launchCampaign(platform.api, await platform.token('operator'), {
      fundPoints: 1_000_000_000_000,
      amountPoints: 1_000,
    });
    // People are registered before each attempt, so that nothing else runs during it.
    const hold = async (rate: number, seconds: number) => {
      const count = Math.ceil(rate * seconds);
      const tokens = await platform.tokens('--role', 'citizen', '--count', String(count), '--ttl', '2h');
      return holdRate(platform, launched, tokens, rate, seconds);
    };
    await hold(limit.median * 0.05, 3);
    const passed: number[] = [];
    for (const share of SHARES) {
      const tried = await hold(limit.median * share, TRY_SECONDS);
      describe(`  ${share} of the limit for ${TRY_SECONDS} s`, tried);
      if (!tried.holds) break;
      passed.push(share);
    }
    for (const share of passed.reverse()) {
      const held = await hold(limit.median * share, HOLD_SECONDS);
      describe(`  ${share} of the limit for ${HOLD_SECONDS} s`, held);
      if (held.holds) return [row(held.rate, limit)];
    }
    return [row(0, limit)];
  } finally {
    await platform.remove();
  }
}

async function holdRate(
  platform: PlatformProcess,
  { campaignId, measureId }: Launched,
  tokens: readonly string[],
  rate: number,
  seconds: number,
): Promise<Held> {
  const count = Math.ceil(rate * seconds);
  const report = await generateLoad({
    mode: 'open',
    url: `${platform.api.baseUrl}/campaign/v1/campaigns/${campaignId}/claims`,
    body: { measureId },
    tokens,
    firstToken: 0,
    rate,
    seconds,
  });
  await delay(GRANTED_WITHIN_MS);
  const record = await readLaunchRecord(platform, []);
  const grantedAt = new Map<unknown, number>();
  for (const { type, data, recordedAt } of record.campaignEvents) {
    if (type === 'ClaimGranted') grantedAt.set(data.claimId, Date.parse(recordedAt));
  }
  const waits = report.claims.map(([claimId, sentAt]) => (grantedAt.get(claimId) ?? Number.POSITIVE_INFINITY) - sentAt);
  const inTime = waits.filter((ms) => ms <= GRANTED_WITHIN_MS).length;
  const sorted = [...waits].sort((a, b) => a - b);
  // A backlog that grows shows in the last fifth: its claims must be granted in time as the first ones are.
  const late = waits.slice(Math.floor(waits.length * 0.8)).filter((ms) => ms > GRANTED_WITHIN_MS).length;
  const holds = inTime >= GRANTED_SHARE * count && late <= (1 - GRANTED_SHARE) * count * 0.2 && report.failed === 0;
  return {
    rate: count / seconds,
    granted: inTime / count,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Number.POSITIVE_INFINITY,
    answerP99Ms: report.p99Ms,
    holds,
  };
}

/** The empty service, alone on the machine with the generator, as the platform is while it is measured. */
async function emptyPosts(platform: PlatformProcess) {
  const { running } = requireRunning(
    readSettings({ TSUNAGU_DATA: platform.dataDirectory, PORT: String(platform.port) }),
  );
  const service = await startServiceProcess('empty-service.ts', running.postgresUrl);
  try {
    const rates: number[] = [];
    for (let run = 0; run <= LIMIT_RUNS; run += 1) {
      const report = await generateLoad({
        mode: 'closed',
        url: service.url,
        tokens: service.tokens.slice(0, 1),
        body: { measureId: '019ab3f0-6c00-7000-8000-0000000000e1' },
        inFlight: LIMIT_IN_FLIGHT,
        seconds: LIMIT_SECONDS,
      });
      if (report.statuses['200'] !== report.answered)
        throw new Error(`the empty POST answered ${JSON.stringify(report.statuses)}`);
      if (run > 0) rates.push(report.perSecond);
    }
    return spread(rates);
  } finally {
    await service.stop();
  }
}

function describe(what: string, { rate, granted, p99Ms, answerP99Ms, holds }: Held): void {
  const share = (granted * 100).toFixed(2);
  console.log(
    `${what}: ${rate.toFixed(0)} claims/s, ${share} % granted within 2 s, p99 to granted ${p99Ms.toFixed(0)} ms, ` +
      `p99 of the answer ${answerP99Ms.toFixed(0)} ms: ${holds ? 'held' : 'not held'}`,
  );
}

function row(rate: number, limit: BenchRow['limit']): BenchRow {
  return {
    name: `claims over HTTP, open loop, held ${HOLD_SECONDS} s`,
    unit: 'claims/s',
    measured: { median: rate, least: rate, most: rate },
    against: 'an empty authenticated POST, 64 in flight',
    limit,
    ratio: rate / limit.median,
    bar: 0.2,
    aim: 0.5,
  };
}
