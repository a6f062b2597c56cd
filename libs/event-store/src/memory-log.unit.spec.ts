import type { EventVersions } from '@tsunagu/kernel';
import { MemoryEventLog } from './memory-log.js';
import { event, startMs, write } from './suite/place.js';
import { eventLogSuite } from './suite/suite.js';

const open = async (versions?: EventVersions) => {
  const clock = { nowMs: startMs };
  const log = new MemoryEventLog({ now: () => clock.nowMs }, 0, versions);
  return { log, clock, close: () => log.close() };
};

eventLogSuite('memory', open, { gapFree: true, idsForEver: true, atomicStreams: true, modelRuns: 1_000 });

const clock = { now: () => startMs };

it('can forget all ids but the last, and says so: then a repetition is told from a race by its revision only', async () => {
  const log = new MemoryEventLog(clock, 0, undefined, 2);
  expect(log.capabilities).toEqual({ gapFree: true, idsForEver: false, atomicStreams: true });
  const requests = ['thing-1', 'thing-2', 'thing-3'].map((stream) => write(stream, 'noStream'));
  await log.append(requests);
  expect((await log.append(requests)).map(({ outcome }) => outcome)).toEqual(['conflict', 'duplicate', 'duplicate']);
});

it('keeps data and reads as they were given, whatever becomes of the objects', async () => {
  const log = new MemoryEventLog(clock);
  const [data, reads] = [{ points: 5 }, { 'other-1': 4 }];
  await log.append([write('thing-1', 'noStream', [event({ data, reads })])]);
  data.points = 6;
  reads['other-1'] = 5;
  const { events } = await log.readLog({ after: 0, limit: 1 });
  expect(events).toMatchObject([{ data: { points: 5 }, reads: { 'other-1': 4 } }]);
});

it('is the log that it was made as, and ends every wait when it is closed', async () => {
  const log = new MemoryEventLog(clock, 3);
  expect([log.log, log.logOf()]).toEqual([3, 3]);
  const waiting = log.waitForAppend(0, 60_000);
  await log.close();
  expect(await waiting).toBe(false);
});
