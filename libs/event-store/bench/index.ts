export { logRows } from './logs.js';
export { alternate, type BenchRow, fsyncMsMedian, rate, type Spread, spread } from './measure.js';
export { benchRows } from './rows.js';
export { type BenchPlace, emptied, insertRaw, openBenchPlace } from './subjects.js';
