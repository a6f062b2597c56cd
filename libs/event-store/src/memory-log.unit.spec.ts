import { MemoryEventLog } from './memory-log.js';
import { startMs } from './suite/place.js';
import { eventLogSuite } from './suite/suite.js';

const open = async () => {
  const clock = { nowMs: startMs };
  const log = new MemoryEventLog({ now: () => clock.nowMs });
  return { log, clock, close: () => log.close() };
};

eventLogSuite('memory', open, { gapFree: true, idsForEver: true, atomicStreams: true, modelRuns: 1_000 });
