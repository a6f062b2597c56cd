import type { ServiceName } from '@tsunagu/contracts';
import { type EventLog, PostgresEventLog, type RecordedEvent } from '@tsunagu/event-store';
import { realClock } from '@tsunagu/kernel';
import { servicePool, versionsOf } from '@tsunagu/service-host';
import type { PlatformProcess } from '../services/platform/e2e/platform-process.js';
import { requireRunning } from '../services/platform/src/reach.js';
import { definitions } from '../services/platform/src/services.js';
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
  const ledgerEvents = await Promise.all(ledgerUrls.map((url, log) => readWhole(url, 'point-ledger', log)));
  return {
    receipts,
    campaignEvents: await readWhole(databases.owner, 'campaign'),
    ledgerEvents: ledgerEvents.flat(),
    trialBalance: totals,
  };
}

async function readWhole(url: string, service: ServiceName, number = 0): Promise<Read[]> {
  const definition = definitions.find(({ name }) => name === service);
  if (!definition) throw new Error(`there is no service ${service}`);
  const pool = servicePool({ url, schema: definition.schema, connectionsMax: 2 });
  let log: EventLog | undefined;
  try {
    log = await PostgresEventLog.open({ pool, clock: realClock, log: number, versions: versionsOf(definition) });
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
