import { jest } from '@jest/globals';
import type { EventVersions } from '@tsunagu/kernel';
import { event, startMs, write, writeAll } from '../suite/place.js';
import { eventLogSuite } from '../suite/suite.js';
import type { KurrentClient } from './client.js';
import { KurrentEventLog } from './kurrent-log.js';
import { CommandError, TestServer } from './test-server.js';

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
    message: expect.stringContaining('older than 25.1'),
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

/** A log whose client does some things in its own way. */
async function openChanged(
  server: TestServer,
  change: (client: KurrentClient) => Partial<KurrentClient>,
  log?: number,
) {
  const client = server.client();
  const changed = { ...client, ...change(client) };
  return KurrentEventLog.open({ client: changed, clock: { now: () => startMs }, name: 'test', ...(log && { log }) });
}

it('gives up after fifty races, and says that it cannot be used', async () => {
  const server = new TestServer();
  const { log } = await openOn(server);
  server.refuse = new Array(49).fill('wrong-expected-version');
  expect(await log.append([write('thing-1', 'noStream')])).toMatchObject([{ outcome: 'appended' }]);
  server.refuse = new Array(50).fill('wrong-expected-version');
  await expect(log.append([write('thing-2', 'noStream')])).rejects.toMatchObject({
    code: 'store.unavailable',
    message: 'the streams of a request kept changing',
  });
  expect(await log.head()).toBe(1);
});

it('leaves the outcome open where what was written cannot be read, now or yet', async () => {
  for (const readAll of [
    async function* lagging() {},
    // biome-ignore lint/correctness/useYield: it fails before there is anything to give
    async function* failing() {
      throw new CommandError('unavailable');
    },
  ]) {
    const server = new TestServer();
    const log = await openChanged(server, (client) => ({
      readAll: (options) => (server.all.length === 0 ? client.readAll(options) : readAll()),
    }));
    const request = write('thing-1', 'noStream', 2);
    await expect(log.append([request])).rejects.toMatchObject({ code: 'store.outcome_unknown' });
    const { log: repeating } = await openOn(server);
    expect(await repeating.append([request])).toEqual([{ outcome: 'duplicate', positions: [1, 2] }]);
  }
});

it('cannot be used while the server gives nothing to read, and can be afterwards', async () => {
  const server = new TestServer();
  let answers = false;
  const failing = (client: KurrentClient): Partial<KurrentClient> => ({
    readAll(options) {
      if (!answers) throw new CommandError('unavailable');
      return client.readAll(options);
    },
    readStream(stream, options) {
      if (!answers) throw new CommandError('access-denied');
      return client.readStream(stream, options);
    },
  });
  const unavailable = { code: 'store.unavailable' };
  await expect(openChanged(server, failing)).rejects.toMatchObject(unavailable);
  const capabilities = Promise.reject(new Error('no server'));
  await expect(openChanged(server, () => ({ capabilities }))).rejects.toMatchObject(unavailable);
  answers = true;
  const log = await openChanged(server, failing);
  await log.append([write('thing-1', 'noStream')]);
  answers = false;
  await expect(log.head()).rejects.toMatchObject(unavailable);
  await expect(log.readLog({ after: 0, limit: 1 })).rejects.toMatchObject(unavailable);
  await expect(log.readStreams(['thing-1'])).rejects.toMatchObject(unavailable);
  await expect(log.append([write('thing-2', 'noStream')])).rejects.toMatchObject(unavailable);
  answers = true;
  expect(await log.head()).toBe(1);
});

it('gives at least one request where fewer are asked for', async () => {
  const { log } = await openOn(new TestServer());
  await log.append([write('thing-1', 'noStream', 2), write('thing-1', 1), write('thing-2', 'noStream')]);
  for (const limit of [0, -1]) {
    expect(await log.readLog({ after: 0, limit })).toMatchObject({ events: { length: 2 }, through: 2 });
    expect(await log.readLog({ after: 0, limit, stream: 'thing-1' })).toMatchObject({
      events: { length: 2 },
      through: 2,
    });
  }
});

it('reads a stream in the log to its end, or to where the limit cut it', async () => {
  const { log } = await openOn(new TestServer());
  await log.append([write('thing-1', 'noStream', 3), write('thing-2', 'noStream'), write('thing-1', 2)]);
  await log.append([write('thing-2', 0)]);
  const read = async (after: number, limit: number, types?: string[]) => {
    const slice = await log.readLog({ after, limit, stream: 'thing-1', ...(types && { types }) });
    return [slice.events.map(({ position }) => position), slice.through];
  };
  expect(await read(0, 2)).toEqual([[1, 2, 3], 3]);
  expect(await read(3, 1)).toEqual([[5], 6]);
  expect(await read(0, 4)).toEqual([[1, 2, 3, 5], 6]);
  expect(await read(5, 10)).toEqual([[], 6]);
  expect(await read(9, 10)).toEqual([[], 9]);
  expect(await read(0, 10, ['Unheard'])).toEqual([[], 6]);
});

it('gives the events of a stream that another process has appended since it looked last', async () => {
  const server = new TestServer();
  const [{ log: one }, { log: two }] = [await openOn(server), await openOn(server)];
  await one.append([write('thing-1', 'noStream', 2)]);
  expect((await two.readStreams(['thing-1'])).get('thing-1')).toMatchObject([{ position: 1 }, { position: 2 }]);
  await one.append([write('thing-1', 1)]);
  expect((await two.readStreams(['thing-1'])).get('thing-1')).toMatchObject([{}, {}, { position: 3 }]);
});

it('says which log it is, of its events and its streams', async () => {
  const log = await openChanged(new TestServer(), () => ({}), 3);
  await log.append([write('thing-1', 'noStream')]);
  expect([log.log, log.logOf()]).toEqual([3, 3]);
  expect((await log.readLog({ after: 0, limit: 1 })).events).toMatchObject([{ log: 3, stream: 'thing-1' }]);
  expect((await openOn(new TestServer())).log.log).toBe(0);
});

it('goes on looking for those who wait after a look failed, and ends their wait when it closes', async () => {
  const server = new TestServer();
  let failures = 0;
  const log = await openChanged(server, (client) => ({
    readAll(options) {
      if (failures-- > 0) throw new CommandError('unavailable');
      return client.readAll(options);
    },
  }));
  const { log: other } = await openOn(server);
  failures = 1;
  const [first, second] = [log.waitForAppend(0, 10_000), log.waitForAppend(0, 10_000)];
  await other.append([write('thing-1', 'noStream')]);
  expect(await Promise.all([first, second])).toEqual([true, true]);
  const ending = log.waitForAppend(1, 10_000);
  await log.close();
  expect(await ending).toBe(false);
});

it('answers what was asked before it closes', async () => {
  const { log } = await openOn(new TestServer());
  const outcomes = log.append([write('thing-1', 'noStream')]);
  await log.close();
  expect(await outcomes).toMatchObject([{ outcome: 'appended' }]);
});

describe('looking for what other processes append', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('ends with the last wait', async () => {
    const { log } = await openOn(new TestServer());
    const waits = [log.waitForAppend(0, 1_000), log.waitForAppend(0, 2_000)];
    await jest.advanceTimersByTimeAsync(1_500);
    expect(await waits[0]).toBe(false);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await waits[1]).toBe(false);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not begin where nobody has to wait', async () => {
    const { log } = await openOn(new TestServer());
    await log.append([write('thing-1', 'noStream')]);
    expect([await log.waitForAppend(0, 1_000), await log.waitForAppend(1, 0)]).toEqual([true, false]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('ends when the log is closed', async () => {
    const { log } = await openOn(new TestServer());
    const waiting = log.waitForAppend(0, 60_000);
    await jest.advanceTimersByTimeAsync(500);
    await log.close();
    expect(await waiting).toBe(false);
    expect(jest.getTimerCount()).toBe(0);
  });
});
