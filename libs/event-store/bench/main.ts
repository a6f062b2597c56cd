/** The event store's part of the speed table on its own: `node … bench/main.ts postgres://…`, a database that may be written to. */
import { fsyncMsMedian } from './measure.js';
import { benchRows } from './rows.js';

const [url] = process.argv.slice(2);
if (!url) throw new Error('say which database: postgres://…');
const round = (value: number) => Math.round(value);
console.table(
  (await benchRows(url)).map(({ name, measured, limit, ratio, bar, aim }) => ({
    name,
    'events/s': `${round(measured.median)} (${round(measured.least)}–${round(measured.most)})`,
    limit: `${round(limit.median)} (${round(limit.least)}–${round(limit.most)})`,
    ratio: ratio.toFixed(2),
    bar,
    aim,
  })),
);
console.log(`fsync median ${(await fsyncMsMedian()).toFixed(3)} ms`);
