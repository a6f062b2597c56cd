import type { EventVersions } from '@tsunagu/kernel';
import { event, startMs, write, writeAll } from '../suite/place.js';
import { eventLogSuite } from '../suite/suite.js';
import { KurrentEventLog } from './kurrent-log.js';
import { TestServer } from './test-server.js';

/** Each on a simulated server that does what the vendor documents: these show the adapter, not KurrentDB. */
async function openOn(server: TestServer, versions?: EventVersions) {
  const clock = { nowMs: startMs };
  const log = await KurrentEventLog.open({
    client: server.client(),
    clock: { now: () => clock.nowMs },
    name: 'test',
    versions,
  });
  return { log, clock, close: () => log.close() };
}

const has = { gapFree: false, idsForEver: false, atomicStreams: true, modelRuns: 0 };
eventLogSuite('KurrentDB 25.1, simulated', (versions) => openOn(new TestServer(), versions), has);
eventLogSuite('EventStoreDB 24.10, simulated', (versions) => openOn(new TestServer('24.10.4'), versions), {
  ...has,
  atomicStreams: false,
});

it('declares what its server can', async () => {
  const capabilities = async (version: string) => (await openOn(new TestServer(version))).log.capabilities;
  expect(await capabilities('25.1.0')).toEqual({ gapFree: false, idsForEver: false, atomicStreams: true });
  for (const old of ['25.0.1', '24.10.4', 'unknown']) {
    expect(await capabilities(old)).toEqual({ gapFree: false, idsForEver: false, atomicStreams: false });
  }
});

it('refuses a request over several streams on a server that cannot write it at once, and writes nothing', async () => {
  const { log } = await openOn(new TestServer('24.10.4'));
  const both = writeAll(write('thing-1', 'noStream'), write('thing-2', 'noStream'));
  await expect(log.append([write('thing-0', 'noStream'), both])).rejects.toMatchObject({
    code: 'store.invalid_request',
  });
  expect(await log.head()).toBe(0);
});

it('numbers as every other reader does, past other logs and system events, also after it was opened again', async () => {
  const server = new TestServer();
  const [one, two] = [await openOn(server), await openOn(server)];
  const other = await KurrentEventLog.open({ client: server.client(), clock: { now: () => startMs }, name: 'test2' });
  for (let n = 0; n < 30; n += 1) {
    await (n % 2 === 0 ? one : two).log.append([write(`thing-${n % 3}`, n < 3 ? 'noStream' : Math.floor(n / 3) - 1)]);
    await other.append([write(`thing-${n}`, 'noStream')]);
  }
  const positions = async (log: KurrentEventLog) =>
    (await log.readLog({ after: 0, limit: 100 })).events.map(({ id, position }) => [id, position]);
  const first = await positions(one.log);
  expect(first).toHaveLength(30);
  expect(first.map(([, position]) => position)).toEqual(first.map((_, index) => index + 1));
  expect(await positions(two.log)).toEqual(first);
  expect(await positions((await openOn(server)).log)).toEqual(first);
});

it('tells what another process appended to those who wait', async () => {
  const server = new TestServer();
  const [one, two] = [await openOn(server), await openOn(server)];
  const waiting = one.log.waitForAppend(0, 10_000);
  await two.log.append([write('thing-1', 'noStream')]);
  expect(await waiting).toBe(true);
  await one.close();
});

it('says of one request sent by two processes at once that it was appended once', async () => {
  const server = new TestServer();
  const places = [await openOn(server), await openOn(server)];
  for (let n = 0; n < 20; n += 1) {
    const request = write(`thing-${n}`, 'noStream', 2);
    const outcomes = (await Promise.all(places.map(({ log }) => log.append([request])))).flat();
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['appended', 'duplicate']);
  }
});

it.each([
  ['unavailable', 'store.outcome_unknown'],
  ['deadline-exceeded', 'store.outcome_unknown'],
  ['unknown', 'store.outcome_unknown'],
  ['cancelled', 'store.outcome_unknown'],
])('leaves the outcome open when the answer is lost (%s), and the repetition is a duplicate', async (type, code) => {
  const server = new TestServer();
  const { log } = await openOn(server);
  server.loseAnswers = [type];
  const request = write('thing-1', 'noStream', 2);
  await expect(log.append([request])).rejects.toMatchObject({ code });
  expect(await log.append([request])).toEqual([{ outcome: 'duplicate', positions: [1, 2] }]);
});

it.each([
  ['access-denied', 'store.unavailable'],
  ['not-leader', 'store.unavailable'],
  ['stream-deleted', 'store.unavailable'],
  ['maximum-append-size-exceeded', 'store.invalid_request'],
  ['invalid-argument', 'store.invalid_request'],
])('says what was surely not written (%s)', async (type, code) => {
  const server = new TestServer();
  const { log } = await openOn(server);
  server.refuse = [type];
  await expect(log.append([write('thing-1', 'noStream')])).rejects.toMatchObject({ code });
  expect(await log.append([write('thing-1', 'noStream')])).toMatchObject([{ outcome: 'appended' }]);
});

it('looks again when another writer was first, and tells the actual revision', async () => {
  const server = new TestServer();
  const { log } = await openOn(server);
  server.refuse = ['wrong-expected-version'];
  expect(await log.append([write('thing-1', 'noStream', [event()])])).toMatchObject([{ outcome: 'appended' }]);
  expect(await log.append([write('thing-1', 'noStream')])).toMatchObject([
    { outcome: 'conflict', actualRevisions: { 'thing-1': 0 } },
  ]);
});

it('does not count where events are missing', async () => {
  const server = new TestServer();
  await (await openOn(server)).log.append([write('thing-1', 'noStream', 3)]);
  server.all.splice(1, 1);
  await expect(openOn(server)).rejects.toMatchObject({ code: 'store.unavailable' });
});
