import { randomUUID } from 'node:crypto';
import type { EventVersions } from '@tsunagu/kernel';
import { startMs, write } from '../suite/place.js';
import { eventLogSuite } from '../suite/suite.js';
import { connectKurrent } from './client.js';
import { KurrentEventLog } from './kurrent-log.js';
import { TestServer } from './test-server.js';
import { startWire } from './test-wire.js';

/** The adapter through the vendor's own client and protocol, to the simulated server. */
const server = new TestServer();
const wire = await startWire(server);

if (wire) {
  const client = await connectKurrent(wire.url);
  afterAll(async () => {
    await client.dispose();
    wire.close();
  });
  const open = async (versions?: EventVersions) => {
    const clock = { nowMs: startMs };
    const name = `suite_${randomUUID()}`;
    const log = await KurrentEventLog.open({ client, clock: { now: () => clock.nowMs }, name, versions });
    return { log, clock, close: () => log.close() };
  };
  const has = { gapFree: false, idsForEver: false, atomicStreams: true, modelRuns: 0 };
  eventLogSuite('KurrentDB, simulated, by the vendor’s client', open, has);

  it("knows the vendor's errors: another writer was first", async () => {
    const { log } = await open();
    server.refuse = ['wrong-expected-version'];
    expect(await log.append([write('thing-1', 'noStream')])).toMatchObject([{ outcome: 'appended' }]);
    expect(server.refuse).toEqual([]);
  });

  it("knows the vendor's errors: a server out of reach", async () => {
    const gone = await connectKurrent('kurrentdb://127.0.0.1:1?tls=false&maxDiscoverAttempts=1');
    const opening = KurrentEventLog.open({ client: gone, clock: { now: () => startMs }, name: 'gone' });
    await expect(opening).rejects.toMatchObject({ code: 'store.unavailable' });
  });
} else {
  process.stderr.write('The KurrentDB adapter is not shown by the vendor’s client: that is not installed.\n');
  it.skip('does not run: the client of KurrentDB is not installed', () => undefined);
}
