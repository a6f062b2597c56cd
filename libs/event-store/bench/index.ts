export { logRows } from './logs.js';
export { alternate, type BenchRow, fsyncMsMedian, rate, type Spread, spread } from './measure.js';
export { appendBatches, benchRows } from './rows.js';
export { type BenchPlace, emptied, insertRaw, openBenchPlace } from './subjects.js';
