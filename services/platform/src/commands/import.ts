import { logOfKey, readRecords, type StreamPlace, tableOf } from '@tsunagu/event-store';
import { realClock } from '@tsunagu/kernel';
import { type Audited, type ExportLine, importLog, readExport, StoreNotEmpty } from '@tsunagu/transparency';
import { Closers } from '../closers.js';
import { type Command, text } from '../command.js';
import { DataDirectory } from '../data-directory.js';
import { prepareData } from '../prepare-data.js';
import { Progress } from '../progress.js';
import { type Settings, UserError } from '../settings.js';
import { auditFile, tell } from '../transparency/auditing.js';
import { exportFiles, logsOf, readVerifiers } from '../transparency/exports.js';
import { isRoutesFile, readRouteFiles, restoreRouteFile } from '../transparency/routes-file.js';
import { type Store, withStores } from '../verification/stores.js';

export const importLogs: Command = {
  help: `Usage: npx tsunagu import EXPORT… --keys FILE

Reads exports (files, or the directory that npx tsunagu export wrote) into the empty store of a platform that is not running: a new
TSUNAGU_DATA, or one whose logs hold nothing. Each export is audited first, with the public keys in FILE, and refused when anything
does not hold. A ledger of several logs needs its routing table as well, which lies in the directory, and as many logs
(LEDGER_LOGS). Every row becomes what it was, byte for byte; the read models are folded from it at the next start. Keys and
vaults are no part of an export: put the key directory of the old platform in place before the first start.`,
  options: { keys: { type: 'string' } },
  async run({ values, positionals, settings }) {
    const verifiers = readVerifiers(text(values, 'keys'));
    const files = exportFiles(positionals.filter((path) => !isRoutesFile(path)));
    const routes = readRouteFiles(positionals);
    const audited = new Map<string, Audited>();
    for (const file of files) {
      const result = await auditFile(file, verifiers);
      if (result.findings.length > 0) {
        tell(result);
        throw new UserError(`${file} is not what was signed: nothing was imported.`);
      }
      audited.set(file, result);
    }
    return withEmptyPlatform(settings, async (stores) => {
      const imports = [...audited].map(([file, { service, log }]) => {
        const store = storeNamed(stores, service);
        const stored = logsOf(store).find((each) => each.log === log);
        if (!stored) throw new UserError(`This platform has no log ${service}/${log}: LEDGER_LOGS must name it.`);
        if (log > 0 && !routes.has(service))
          throw new UserError(`${service}-routes.json is missing: without it nobody knows what lies in log ${log}.`);
        return { file, store, stored };
      });
      // First: logs without their table would be read as if all accounts lay in log 0.
      for (const [service, copy] of routes) await restoreRouteFile(storeNamed(stores, service), copy);
      for (const { file, store, stored } of imports) {
        const name = `${stored.service}/${stored.log}`;
        const progress = new Progress(`importing ${name}`);
        const { placeOf } = store.definition;
        const lines = placeOf ? inTheirPlace(readExport(file), store, stored.log, placeOf) : readExport(file);
        const target = { ...stored, progress: (done: number, of: number) => progress.at(done, of) };
        console.log(`${name}: ${await importOne(file, lines, target)} events`);
      }
      return 0;
    });
  },
};

function storeNamed(stores: ReadonlyMap<string, Store>, service: string): Store {
  const store = stores.get(service);
  if (!store) throw new UserError(`This platform has no service ${service}.`);
  return store;
}

/** The lines, as long as each event's stream lies in this log by the routing table, which nobody has signed. */
async function* inTheirPlace(
  lines: AsyncIterable<ExportLine>,
  { pool, definition }: Store,
  log: number,
  placeOf: (stream: string) => StreamPlace,
): AsyncGenerator<ExportLine> {
  const table = tableOf((await readRecords(pool)).entries);
  for await (const line of lines) {
    if (line.kind === 'event') {
      const { stream } = JSON.parse(line.leaf) as { stream: string };
      const place = placeOf(stream);
      if (('log' in place ? place.log : logOfKey(table, place.key)) !== log)
        throw new UserError(`${definition.name}/${log} holds ${stream}, which the routing table puts elsewhere.`);
    }
    yield line;
  }
}

async function importOne(
  file: string,
  lines: AsyncIterable<ExportLine>,
  target: Parameters<typeof importLog>[1],
): Promise<number> {
  try {
    return await importLog(lines, target);
  } catch (error) {
    if (error instanceof StoreNotEmpty) throw new UserError(`${file} was not imported: ${error.message}.`);
    throw error;
  }
}

/** The data directory's database, made and migrated where it is not there yet, with nothing else running on it. */
async function withEmptyPlatform(
  settings: Settings,
  work: (stores: ReadonlyMap<string, Store>) => Promise<number>,
): Promise<number> {
  const directory = new DataDirectory(settings.dataDirectory);
  directory.create();
  await directory.lock();
  const closers = new Closers();
  closers.add('the data directory', () => directory.unlock());
  try {
    const { databases } = await prepareData({ settings, directory, closers });
    const code = await withStores(databases, realClock, work);
    // As a start does: who looks at the data next finds every log.
    directory.keepLedgerLogs(settings.ledgerLogs ?? directory.ledgerLogs());
    return code;
  } finally {
    await closers.closeAll();
  }
}
