/** The ledger's row of the speed table on its own: `node … bench/main.ts postgres://…`, a database that may be written to. */
import { fsyncMsMedian } from '@tsunagu/event-store/bench';
import { grantRows } from './grants.js';

const [url] = process.argv.slice(2);
if (!url) throw new Error('say which database: postgres://…');
const round = (value: number) => Math.round(value);
for (const { name, measured, against, limit, ratio, bar, aim } of await grantRows(url)) {
  console.log(`${name}: ${round(measured.median)}/s (${round(measured.least)}–${round(measured.most)})`);
  console.log(`${against}: ${round(limit.median)}/s (${round(limit.least)}–${round(limit.most)})`);
  console.log(`ratio ${ratio.toFixed(2)}, first bar ${bar}, aim ${aim}`);
}
console.log(`fsync median ${(await fsyncMsMedian()).toFixed(3)} ms`);
