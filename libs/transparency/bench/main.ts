/** One pass over a large log: `node … bench/main.ts postgres://… 1000000 [DIRECTORY]`; a directory keeps export and keys for other verifiers. */
import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTreePlace } from './place.js';
import { audit, growTree, readRows, writeExport } from './rows.js';

const [url, count = '1000000', kept] = process.argv.slice(2);
if (!url) throw new Error('say which database: postgres://…');
const directory = kept ?? mkdtempSync(join(tmpdir(), 'tsunagu-tree-'));
const file = join(directory, 'bench-0.jsonl.gz');
const events = Number(count);

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  const memoryMiB = Math.round(process.memoryUsage.rss() / 2 ** 20);
  console.log(
    `${what.padEnd(24)} ${seconds.toFixed(1)} s, ${Math.round(events / seconds)} events/s, ${memoryMiB} MiB resident`,
  );
}

const place = await openTreePlace(url, events);
console.log(`${events} events`);
await timed('rows read', () => readRows(place));
await timed('tree and heads', () => growTree(place));
await timed('export', () => writeExport(place, file));
await timed('audit', () => audit(place, file));
writeFileSync(join(directory, 'keys.txt'), `${place.verifierKey}\n`);
const { rows } = await place.pool.query<{ tree: string; events: string }>(
  `select pg_total_relation_size('log_tree_runs') as tree, pg_total_relation_size('events') as events`,
);
console.log(
  `tree ${rows[0]?.tree} bytes, events ${rows[0]?.events} bytes, export ${statSync(file).size} bytes in ${directory}`,
);
await place.close();
