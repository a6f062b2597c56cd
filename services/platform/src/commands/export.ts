import { writeFileSync } from 'node:fs';
import { type Command, text } from '../command.js';
import { withData } from '../reach.js';
import { UserError } from '../settings.js';
import { readClock } from '../stored-clock.js';
import { logsOf, verifierLines, writeExport } from '../transparency/exports.js';
import { writeRoutes } from '../transparency/routes-file.js';
import { withStores } from '../verification/stores.js';

export const exportLogs: Command = {
  help: `Usage: npx tsunagu export --out DIRECTORY [--service NAME] [--public-keys FILE]

Writes every log (or one service's) as it stands at this moment into DIRECTORY, a file a log: gzip of JSON lines, with the stored
Merkle tree and all signed heads (docs/tamper-evidence.md). Works on the running platform and on the data of a stopped one.
A ledger of several logs adds its routing table, a file of its own. --public-keys writes the keys that npx tsunagu audit checks
the heads with; an auditor takes them from where they are published, never from whoever brings the export.`,
  options: { out: { type: 'string' }, service: { type: 'string' }, 'public-keys': { type: 'string' } },
  async run({ values, settings }) {
    const [out, service, keyFile] = [text(values, 'out'), text(values, 'service'), text(values, 'public-keys')];
    if (out === undefined) throw new UserError('--out DIRECTORY is needed: where the export is to be written.');
    return withData(settings, async ({ directory, databases }) => {
      const { offsetMs } = await readClock(databases);
      const clock = { now: () => Date.now() + offsetMs };
      return withStores(databases, clock, async (stores) => {
        const logs = [...stores.values()].flatMap(logsOf);
        const wanted = logs.filter((stored) => service === undefined || stored.service === service);
        if (wanted.length === 0) {
          throw new UserError(
            `--service must be one of ${[...new Set(logs.map((stored) => stored.service))].join(', ')}.`,
          );
        }
        for (const stored of wanted) console.log(await writeExport(stored, out, clock.now()));
        for (const [name, store] of stores) {
          const routes = service === undefined || service === name ? await writeRoutes(store, out) : undefined;
          if (routes !== undefined) console.log(routes);
        }
        if (keyFile !== undefined) {
          const lines = await verifierLines(wanted, directory.keys);
          writeFileSync(keyFile, lines.map((line) => `${line}\n`).join(''));
          console.log(keyFile);
        }
        return 0;
      });
    });
  },
};
