import { randomUUID } from 'node:crypto';
import type { EventVersions } from '@tsunagu/kernel';
import { startMs } from '../suite/place.js';
import { eventLogSuite } from '../suite/suite.js';
import { connectKurrent } from './client.js';
import { KurrentEventLog } from './kurrent-log.js';
import { appendsToSeveral } from './mapping.js';

/** Of a server to test against; a log of its own each time, and nothing is deleted. The client must be installed. */
const url = process.env.KURRENTDB_URL;

if (url) {
  const client = await connectKurrent(url);
  afterAll(() => client.dispose());
  const open = async (versions?: EventVersions) => {
    const clock = { nowMs: startMs };
    const name = `suite_${randomUUID()}`;
    const log = await KurrentEventLog.open({ client, clock: { now: () => clock.nowMs }, name, versions });
    return { log, clock, close: () => log.close() };
  };
  const { serverVersion } = await client.capabilities;
  const atomicStreams = appendsToSeveral(serverVersion);
  eventLogSuite(`KurrentDB ${serverVersion}`, open, { gapFree: false, idsForEver: false, atomicStreams, modelRuns: 0 });
} else {
  process.stderr.write('The suite of the KurrentDB adapter does not run: KURRENTDB_URL names no server.\n');
  it.skip('does not run: KURRENTDB_URL names no server', () => undefined);
}
