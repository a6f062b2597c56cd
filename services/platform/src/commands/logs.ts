import {
  entryAt,
  pendingOf,
  proposeRoute,
  type RecordedEntry,
  type RouteHolder,
  type RouteRecords,
  readHolders,
  readRecords,
  silentSecondsMax,
  tableOf,
} from '@tsunagu/event-store';
import { isoTime } from '@tsunagu/kernel';
import { servicePool } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import { type Command, durationMs, text } from '../command.js';
import { withData } from '../reach.js';
import { definitions } from '../services.js';
import { type Settings, UserError } from '../settings.js';
import { readClock } from '../stored-clock.js';

const IN_MS = 2 * 3_600_000;

export const logs: Command = {
  help: `Usage: npx tsunagu logs                                  the routing table and the processes that hold it
       npx tsunagu logs route --to 0,1,2,3 [--in 2h]     accounts of people registered from then on are spread over these logs

An entry begins at least an hour from now and counts once every running process has all its logs open; one that is not
confirmed by about 15 minutes before it begins never is. No account is ever moved. docs/runbooks/adding-a-log.md has the steps.
Works on the data directory; with OWNER_DATABASE_URL set, on the ledger's database that it names (and the real clock).`,
  options: { to: { type: 'string' }, in: { type: 'string' } },
  async run({ values, positionals, settings }) {
    const [verb] = positionals;
    const to = text(values, 'to');
    const isRoute = verb === 'route' && positionals.length === 1 && to !== undefined;
    if (!isRoute && (positionals.length > 0 || to !== undefined)) {
      throw new UserError('Write npx tsunagu logs, or npx tsunagu logs route --to 0,1.');
    }
    return withLedger(settings, async (pool, nowMs) => {
      if (isRoute) {
        const proposal = { validFromMs: nowMs + (durationMs(values, 'in') ?? IN_MS), logs: logNumbers(to), nowMs };
        const answer = await proposeRoute(pool, { ...proposal, by: 'staff:operator' });
        if (typeof answer === 'string') throw new UserError(`The entry is refused: ${answer}.`);
        console.log(`Entry ${answer} waits for the running processes; npx tsunagu logs shows when it is confirmed.\n`);
      }
      for (const line of describe(await readRecords(pool), await readHolders(pool), nowMs)) console.log(line);
      return 0;
    });
  },
};

function logNumbers(to: string): readonly number[] {
  if (!/^\d{1,3}(,\d{1,3})*$/.test(to)) throw new UserError(`--to is "${to}"; write log numbers, such as 0,1,2.`);
  return to.split(',').map(Number);
}

async function withLedger<T>(settings: Settings, work: (pool: Pool, nowMs: number) => Promise<T>): Promise<T> {
  const schema = definitions.find(({ placeOf }) => placeOf !== undefined)?.schema ?? '';
  const inPool = async (url: string, nowMs: number) => {
    const pool = servicePool({ url, schema, connectionsMax: 2 });
    try {
      return await work(pool, nowMs);
    } finally {
      await pool.end();
    }
  };
  const elsewhere = process.env.OWNER_DATABASE_URL;
  if (elsewhere) return inPool(elsewhere, Date.now());
  return withData(settings, async ({ databases }) => inPool(databases.owner, (await readClock(databases)).nowMs));
}

function describe(records: RouteRecords, holders: readonly RouteHolder[], nowMs: number): readonly string[] {
  const table = tableOf(records.entries);
  const inForce = entryAt(table, nowMs).version;
  const isUnwritten = table[0]?.version === 0;
  return [
    ...(isUnwritten
      ? [`entry 0  from the beginning        logs 0   ${inForce === 0 ? 'in force' : 'in force before'}`]
      : []),
    ...records.entries.map((entry) => {
      const from = entry.validFromMs === 0 ? 'from the beginning' : `from ${isoTime(entry.validFromMs)}`;
      return `entry ${entry.version}  ${from.padEnd(29)} logs ${entry.logs.join(', ')}   ${stateOf(entry, records, inForce, nowMs)}`;
    }),
    '',
    ...holders.map(({ process, version, silentSeconds }) => {
      const silence = silentSeconds > silentSecondsMax ? ', not waited for' : '';
      return `process ${process} holds entry ${version}, heard of ${Math.round(silentSeconds)} s ago${silence}`;
    }),
    ...(holders.length === 0 ? ['no process is running'] : []),
  ];
}

function stateOf(entry: RecordedEntry, records: RouteRecords, inForce: number, nowMs: number): string {
  if (entry.isConfirmed) {
    if (entry.version === inForce) return 'in force';
    return entry.validFromMs > nowMs ? 'confirmed' : 'in force before';
  }
  return pendingOf(records)?.version === entry.version ? 'waits for the running processes' : 'void';
}
