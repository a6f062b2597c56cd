import { publishedUpcasts } from '@tsunagu/contracts';
import { type EventLog, PostgresEventLog, type RecordedEvent } from '@tsunagu/event-store';
import { EventVersions, realClock } from '@tsunagu/kernel';
import { servicePool } from '@tsunagu/service-host';
import type { PlatformProcess } from '../services/platform/e2e/platform-process.js';
import { requireRunning } from '../services/platform/src/reach.js';
import { readSettings } from '../services/platform/src/settings.js';
import type { LaunchRecord } from './launch-check.js';

type Read = RecordedEvent<string, Record<string, unknown>>;

const PAGE = 5_000;

/** Reads campaign's log and all of the ledger's whole, and the trial balance as an auditor gets it. */
export async function readLaunchRecord(
  platform: PlatformProcess,
  receipts: LaunchRecord['receipts'],
): Promise<LaunchRecord> {
  const { databases } = requireRunning(
    readSettings({ TSUNAGU_DATA: platform.dataDirectory, PORT: String(platform.port) }),
  );
  const { totals } = await platform.api.expect<{ totals: LaunchRecord['trialBalance'] }>(
    200,
    'GET',
    '/point-ledger/v1/trial-balance',
    { token: await platform.token('auditor') },
  );
  const ledgerUrls = [databases.owner, ...databases.ledgerLogs.map(({ owner }) => owner)];
  const ledgerEvents = await Promise.all(ledgerUrls.map((url, log) => readWhole(url, 'point_ledger', log)));
  return {
    receipts,
    campaignEvents: await readWhole(databases.owner, 'campaign'),
    ledgerEvents: ledgerEvents.flat(),
    trialBalance: totals,
  };
}

async function readWhole(url: string, schema: string, number = 0): Promise<Read[]> {
  const pool = servicePool({ url, schema, connectionsMax: 2 });
  let log: EventLog | undefined;
  try {
    const versions = new EventVersions(publishedUpcasts);
    log = await PostgresEventLog.open({ pool, clock: realClock, log: number, versions });
    const events: Read[] = [];
    const head = await log.head();
    for (let after = 0; after < head; ) {
      const slice = await log.readLog({ after, limit: PAGE });
      events.push(...(slice.events as readonly Read[]));
      after = slice.through;
    }
    return events;
  } finally {
    await log?.close();
    await pool.end();
  }
}
