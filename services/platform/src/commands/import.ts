import { realClock } from '@tsunagu/kernel';
import { type Audited, importLog, readExport, StoreNotEmpty } from '@tsunagu/transparency';
import { Closers } from '../closers.js';
import { type Command, text } from '../command.js';
import { DataDirectory } from '../data-directory.js';
import { prepareData } from '../prepare-data.js';
import { Progress } from '../progress.js';
import { type Settings, UserError } from '../settings.js';
import { auditFile, tell } from '../transparency/auditing.js';
import { exportFiles, logsOf, readVerifiers } from '../transparency/exports.js';
import { type Store, withStores } from '../verification/stores.js';

export const importLogs: Command = {
  help: `Usage: npx tsunagu import EXPORT… --keys FILE

Reads exports (files, or the directory that npx tsunagu export wrote) into the empty store of a platform that is not running: a new
TSUNAGU_DATA, or one whose logs hold nothing. Each export is audited first, with the public keys in FILE, and refused when anything
does not hold. Every row becomes what it was, byte for byte; the read models are folded from it at the next start. Keys and
vaults are no part of an export: put the key directory of the old platform in place before the first start.`,
  options: { keys: { type: 'string' } },
  async run({ values, positionals, settings }) {
    const verifiers = readVerifiers(text(values, 'keys'));
    const files = exportFiles(positionals);
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
      for (const [file, { service, log }] of audited) {
        const progress = new Progress(`importing ${service}/${log}`);
        const stored = [...stores.values()]
          .flatMap(logsOf)
          .find((each) => each.service === service && each.log === log);
        if (!stored) throw new UserError(`This platform has no log ${service}/${log}.`);
        const target = { pool: stored.events, log, progress: (done: number, of: number) => progress.at(done, of) };
        console.log(`${service}/${log}: ${await importOne(file, target)} events`);
      }
      return 0;
    });
  },
};

async function importOne(file: string, target: Parameters<typeof importLog>[1]): Promise<number> {
  try {
    return await importLog(readExport(file), target);
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
    return await withStores(databases, realClock, work);
  } finally {
    await closers.closeAll();
  }
}
