import type { EventVersions } from '@tsunagu/kernel';
import { MemoryEventLog } from './memory-log.js';
import { startMs } from './suite/place.js';
import { eventLogSuite } from './suite/suite.js';

const open = async (versions?: EventVersions) => {
  const clock = { nowMs: startMs };
  const log = new MemoryEventLog({ now: () => clock.nowMs }, 0, versions);
  return { log, clock, close: () => log.close() };
};

eventLogSuite('memory', open, { gapFree: true, idsForEver: true, atomicStreams: true, modelRuns: 1_000 });
