import { isoTime, newId } from '@tsunagu/kernel';
import { type AppendRequest, type EventLog, StoreError } from '../contract.js';
import { MemoryEventLog } from '../memory-log.js';
import { event, startMs, write } from '../suite/place.js';
import { RoutedLogs, type Routes } from './routed-logs.js';
import { logOfKey, oneLog } from './routing-table.js';
import { fixedRoutes } from './stored-routes.js';

const clock = { now: () => startMs };
const table = [...oneLog, { version: 1, validFromMs: startMs, logs: [0, 1, 2] }];
const placeOf = (stream: string) =>
  stream.startsWith('account-') ? { key: stream.slice('account-'.length) } : { log: Number(stream.split('+')[1] ?? 0) };

function open(routes: Routes = fixedRoutes(table), wrap: (log: EventLog) => EventLog = (log) => log) {
  const logs = [0, 1, 2].map((number) => wrap(new MemoryEventLog(clock, number)));
  return { logs, store: new RoutedLogs({ logs, routes, placeOf }) };
}

/** New keys of one log. */
function keysIn(log: number, count: number): string[] {
  const keys: string[] = [];
  while (keys.length < count) {
    const key = newId(startMs + 1);
    if (logOfKey(table, key) === log) keys.push(key);
  }
  return keys;
}

const account = (key: string) => `account-${key}`;

it('appends each request to the log of its streams and answers in the order given', async () => {
  const { logs, store } = open();
  const keys = [...keysIn(1, 2), ...keysIn(0, 1), ...keysIn(2, 2), ...keysIn(1, 1)];
  const requests: AppendRequest[] = keys.map((key) => write(account(key), 'noStream'));
  requests.splice(3, 0, write(account(keys[0] ?? ''), 'noStream'));
  const outcomes = await store.append(requests);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual([
    'appended',
    'appended',
    'appended',
    'conflict',
    'appended',
    'appended',
    'appended',
  ]);
  expect(await Promise.all(logs.map((log) => log.head()))).toEqual([1, 3, 2]);
  const found = await store.readStreams([...keys, 'nobody'].map(account));
  for (const key of keys) expect(found.get(account(key))).toMatchObject([{ log: logOfKey(table, key), revision: 0 }]);
  expect(found.get('account-nobody')).toEqual([]);
});

it('tells each log of the requests that will be its own, and nobody of those whose place is not known yet', () => {
  const told: [log: number, request: AppendRequest][] = [];
  const listening = (log: EventLog) =>
    Object.assign(log, { prepare: (requests: readonly AppendRequest[]) => told.push([log.log, requests[0] as never]) });
  const { store } = open(fixedRoutes(table), listening);
  const requests = [1, 0, 2].flatMap((log) => keysIn(log, 1)).map((key) => write(account(key), 'noStream'));
  store.prepare([...requests, write('lease-1+2', 'noStream'), { writes: [] }]);
  expect(told.map(([log]) => log)).toEqual([1, 0, 2, 2]);
  expect(told.slice(0, 3).map(([, request]) => request)).toEqual(requests);
  const { store: unknowing } = open({ ...fixedRoutes(table), logOf: () => undefined }, listening);
  unknowing.prepare(requests);
  expect(told).toHaveLength(4);
});

it('writes a request over several streams of one log, and refuses one over two logs', async () => {
  const { logs, store } = open();
  const [one, two] = keysIn(2, 2);
  const [elsewhere] = keysIn(1, 1);
  const over = (...streams: string[]) => ({
    writes: streams.map((stream) => ({ stream, expectedRevision: 'noStream' as const, events: [event()] })),
  });
  const [appended] = await store.append([over(account(one ?? ''), account(two ?? ''), 'lease-1+2')]);
  expect(appended?.outcome).toBe('appended');
  await expect(store.append([over(account(elsewhere ?? ''), 'lease-2+2')])).rejects.toMatchObject({
    code: 'store.invalid_request',
  });
  expect(await Promise.all(logs.map((log) => log.head()))).toEqual([0, 0, 3]);
});

it('rejects when one log fails, lets the others have their effect, and a repetition finds it', async () => {
  let failures = 1;
  const losing = (log: EventLog) => {
    if (log.log !== 1) return log;
    return Object.assign(Object.create(log) as EventLog, {
      append: async (requests: readonly AppendRequest[]) => {
        const outcomes = await log.append(requests);
        if (failures-- > 0) throw new StoreError('store.outcome_unknown', 'cut');
        return outcomes;
      },
    });
  };
  const { store } = open(fixedRoutes(table), losing);
  const requests = [...keysIn(0, 1), ...keysIn(1, 1), ...keysIn(2, 1)].map((key) => write(account(key), 'noStream'));
  await expect(store.append(requests)).rejects.toMatchObject({ code: 'store.outcome_unknown' });
  const outcomes = await store.append(requests);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['duplicate', 'duplicate', 'duplicate']);
});

it('learns the table again for a key from later than it knows, and refuses when that does not help', async () => {
  let knownUntilMs = startMs;
  let canLearn = true;
  let looks = 0;
  const routes: Routes = {
    logOf: (key) => (Number.parseInt(key.slice(0, 8) + key.slice(9, 13), 16) > knownUntilMs ? undefined : 0),
    async refresh() {
      looks += 1;
      if (canLearn) knownUntilMs += 60_000;
    },
    close: async () => undefined,
  };
  const { store } = open(routes);
  await store.append([write(account(newId(startMs)), 'noStream')]);
  expect(looks).toBe(0);
  await store.append([write(account(newId(startMs + 30_000)), 'noStream')]);
  expect(looks).toBe(1);
  canLearn = false;
  const late = account(newId(startMs + 90_000));
  await expect(store.append([write(late, 'noStream')])).rejects.toMatchObject({ code: 'store.unavailable' });
  await expect(store.readStreams([late])).rejects.toMatchObject({ code: 'store.unavailable' });
});

it('asks for the table again when one key among many needs it', async () => {
  let looks = 0;
  const fixed = fixedRoutes(table);
  const [known = '', unheard = ''] = keysIn(1, 2);
  const routes: Routes = {
    ...fixed,
    logOf: (key) => (key === unheard && looks === 0 ? undefined : fixed.logOf(key)),
    async refresh() {
      looks += 1;
    },
  };
  const { store } = open(routes);
  expect(() => store.logOf(account(unheard))).toThrow('a time for which the routing table is not known yet');
  const outcomes = await store.append([write(account(known), 'noStream'), write(account(unheard), 'noStream')]);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['appended', 'appended']);
  expect(looks).toBe(1);
  expect([store.logOf(account(unheard)), store.logOf('lease-1+2')]).toEqual([1, 2]);
});

it('tells first of a lost answer, whichever logs fail beside it: who repeats learns the rest', async () => {
  const lost = new StoreError('store.outcome_unknown', 'cut');
  const others = [new StoreError('store.unavailable', 'no database'), new TypeError('a mistake')];
  for (const failing of [
    [lost, ...others],
    [...others, lost],
  ]) {
    const { store } = open(fixedRoutes(table), (log) =>
      Object.assign(Object.create(log) as EventLog, { append: () => Promise.reject(failing[log.log]) }),
    );
    await expect(store.append([0, 1, 2].map((log) => write(`lease-1+${log}`, 'noStream')))).rejects.toBe(lost);
  }
});

it('gives no outcomes for no requests, and no streams where none are named', async () => {
  const { store } = open();
  expect(await store.append([])).toEqual([]);
  expect([...(await store.readStreams([]))]).toEqual([]);
});

it('reads what lies past a revision in every log', async () => {
  const { store } = open();
  const names = [0, 1, 2].map((log) => `lease-1+${log}`);
  await store.append(names.map((name) => write(name, 'noStream', 3)));
  const after = new Map(names.map((name, log) => [name, log]));
  const tails = await store.readStreams(names, after);
  expect(names.map((name) => tails.get(name)?.map(({ revision }) => revision))).toEqual([[1, 2], [2], []]);
});

it('asks every log for the last events that are its own', async () => {
  const { store } = open();
  const requests = [0, 1, 2].map((log) => write(`lease-1+${log}`, 'noStream'));
  await store.append(requests);
  const lastEvents = requests.map(({ writes: [lease] }) => ({
    stream: lease?.stream ?? '',
    revision: 0,
    id: lease?.events[0]?.id ?? '',
  }));
  expect(await store.outdated(lastEvents)).toEqual(new Set());
  await store.append([write('lease-1+0', 0), write('lease-1+2', 0)]);
  expect(await store.outdated(lastEvents)).toEqual(new Set([lastEvents[0]?.id, lastEvents[2]?.id]));
  expect(await store.outdated([])).toEqual(new Set());
});

it('can what every one of its logs can', () => {
  const all = { gapFree: true, idsForEver: true, atomicStreams: true };
  expect(open().store.capabilities).toEqual(all);
  for (const name of ['gapFree', 'idsForEver', 'atomicStreams'] as const) {
    const capabilities = { ...all, [name]: false };
    const lacking = (log: EventLog) =>
      log.log === 1 ? Object.assign(Object.create(log) as EventLog, { capabilities }) : log;
    expect(open(fixedRoutes(table), lacking).store.capabilities).toEqual(capabilities);
  }
});

it('waits for an append where it has one log, and closes its logs and routes', async () => {
  const closed: string[] = [];
  const routes = { ...fixedRoutes(oneLog), close: async () => void closed.push('routes') };
  const single = new RoutedLogs({ logs: open().logs.slice(0, 1), routes, placeOf });
  const stopping = new AbortController();
  const stopped = single.waitForAppend(0, 60_000, stopping.signal);
  stopping.abort();
  expect(await stopped).toBe(false);
  const waiting = single.waitForAppend(0, 60_000);
  await single.append([write('thing-1', 'noStream')]);
  expect(await waiting).toBe(true);
  const { logs, store } = open(routes);
  const waits = logs.map((log) => log.waitForAppend(0, 60_000));
  await store.close();
  expect(await Promise.all(waits)).toEqual([false, false, false]);
  expect(closed).toEqual(['routes']);
});

it('says what it cannot do and why', async () => {
  const { store } = open();
  await expect(store.head()).rejects.toThrow('head of a store of 3 logs: they have no common order');
  await expect(store.readLog({ after: 0, limit: 1 })).rejects.toThrow('readLog of a store of 3 logs');
  await expect(store.waitForAppend(0, 1)).rejects.toThrow('waitForAppend of a store of 3 logs');
  await expect(store.readStreams(['lease-1+7'])).rejects.toThrow('log 7 is not open in this process');
  const over = { writes: [...write('lease-1+1', 'noStream').writes, ...write('lease-1+2', 'noStream').writes] };
  await expect(store.append([over])).rejects.toThrow('one request writes to the logs 1 and 2');
});

it('has the order of a log only where it has one log, and cannot serve a log that is not open', async () => {
  const { logs, store } = open();
  await expect(store.head()).rejects.toThrow('no common order');
  await expect(store.readStreams(['lease-1+7'])).rejects.toMatchObject({ code: 'store.unavailable' });
  const single = new RoutedLogs({ logs: logs.slice(0, 1), routes: fixedRoutes(oneLog), placeOf });
  await single.append([write('thing-1', 'noStream')]);
  expect(await single.head()).toBe(1);
  expect((await single.readLog({ after: 0, limit: 10 })).events[0]?.recordedAt).toBe(isoTime(startMs));
});
