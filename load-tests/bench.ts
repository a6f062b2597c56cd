// npm run bench [store|grants|balance|tree|verification|logs|claims|millions]: each figure beside its limit, measured in the same run; DESIGN's speed table.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { type BenchRow, benchRows, fsyncMsMedian, logRows } from '@tsunagu/event-store/bench';
import { verificationRows } from '@tsunagu/identity/bench';
import { firstReadRows, grantRows, longAccountRows, rebuildRows, singleGrantRows } from '@tsunagu/point-ledger/bench';
import { startPostgres } from '@tsunagu/testing';
import { treeRows } from '@tsunagu/transparency/bench';
import { balanceRows } from './balance-bench.js';
import { claimRows } from './claims-bench.js';
import { millionsRows } from './millions-bench.js';
import { startOnSlowDisks } from './slow-disk.js';

const LOGS = 4;

const [only] = process.argv.slice(2);
const rows: BenchRow[] = [];
const add = (more: readonly BenchRow[]) => {
  rows.push(...more);
  for (const { name, measured, unit, ratio } of more) {
    console.log(`${name}: ${Math.round(measured.median)} ${unit}, ${ratio.toFixed(2)} of its limit`);
  }
};
const wants = (name: string) => only === undefined || only === name;

console.log(
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, PostgreSQL 18`,
);
console.log(`fsync of 8 KiB: ${(await fsyncMsMedian()).toFixed(3)} ms median\n`);
if (wants('store') || wants('grants') || wants('balance') || wants('tree')) {
  const directory = mkdtempSync(join(tmpdir(), 'tsunagu-bench-'));
  chmodSync(directory, 0o755); // for PostgreSQL's own user, where we are root
  const server = await startPostgres({ dataDirectory: directory, port: 0 });
  try {
    if (wants('store')) add(await benchRows(server.url));
    if (wants('grants')) {
      for (const rowsOf of [grantRows, longAccountRows, firstReadRows, singleGrantRows, rebuildRows])
        add(await rowsOf(server.url));
    }
    if (wants('balance')) add(await balanceRows(server.url));
    if (wants('tree')) add(await treeRows(server.url));
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
if (wants('verification')) add(await verificationRows());
if (wants('logs')) {
  const disks = await startOnSlowDisks(LOGS);
  if (disks) add(await logRows(disks.urls).finally(() => disks.stop()));
}
if (wants('claims')) add(await claimRows());
if (only === 'millions') add(await millionsRows());

const figure = ({ median, least, most }: BenchRow['limit']) =>
  `${Math.round(median)}${least === most ? '' : ` (${Math.round(least)}–${Math.round(most)})`}`;
console.log('\n| path | measured | limit | against | ratio | first bar | aim |');
console.log('|---|---|---|---|---|---|---|');
for (const each of rows) {
  const { name, unit, measured, limit, against, ratio, bar, aim } = each;
  console.log(
    `| ${name} | ${figure(measured)} ${unit} | ${figure(limit)} /s | ${against} | ${ratio.toFixed(2)} | ≥ ${bar} | ${aim} |`,
  );
}
const below = rows.filter(({ ratio, bar }) => ratio < bar);
for (const { name, ratio, bar } of below)
  console.error(`${name}: ${ratio.toFixed(2)} is below its first bar of ${bar}`);
process.exitCode = below.length === 0 ? 0 : 1;
