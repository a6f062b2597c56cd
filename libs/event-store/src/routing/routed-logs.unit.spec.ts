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

it('has the order of a log only where it has one log, and cannot serve a log that is not open', async () => {
  const { logs, store } = open();
  await expect(store.head()).rejects.toThrow('no common order');
  await expect(store.readStreams(['lease-1+7'])).rejects.toMatchObject({ code: 'store.unavailable' });
  const single = new RoutedLogs({ logs: logs.slice(0, 1), routes: fixedRoutes(oneLog), placeOf });
  await single.append([write('thing-1', 'noStream')]);
  expect(await single.head()).toBe(1);
  expect((await single.readLog({ after: 0, limit: 10 })).events[0]?.recordedAt).toBe(isoTime(startMs));
});
