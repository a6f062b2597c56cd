import { newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import type { EventLog, RecordedEvent } from '../contract.js';
import { MemoryEventLog } from '../memory-log.js';
import { event, startMs, write } from '../suite/place.js';
import { readTogether } from './read-together.js';

const memoryLogs = (count: number): EventLog[] =>
  Array.from({ length: count }, (_, number) => new MemoryEventLog({ now: () => startMs }, number));

/** A log that does some things in its own way. */
const changed = (log: EventLog, own: Partial<EventLog>): EventLog => Object.assign(Object.create(log) as EventLog, own);

/** A log of short pages. */
const paged = (log: EventLog, limit: number) => changed(log, { readLog: (query) => log.readLog({ ...query, limit }) });

let streams = 0;
/** Appends a request of its own stream to a log; its first event follows from `cause`. Gives the ids. */
async function record(log: EventLog | undefined, cause: string | null = null, size = 1): Promise<readonly string[]> {
  const events = Array.from({ length: size }, (_, n) => event(n === 0 ? { causationId: cause } : {}));
  await log?.append([write(`thing-${++streams}`, 'noStream', events)]);
  return events.map(({ id }) => id);
}

/** Lets an event come when what it follows from has been taken. */
function follower() {
  const taken: RecordedEvent[] = [];
  const asked: RecordedEvent[] = [];
  const pages: (readonly [read: number, of: number])[] = [];
  const known = new Set<string>();
  return {
    taken,
    asked,
    pages,
    ids: () => taken.map(({ id }) => id),
    mayCome(one: RecordedEvent) {
      asked.push(one);
      return one.causationId === null || known.has(one.causationId);
    },
    take(one: RecordedEvent) {
      taken.push(one);
      known.add(one.id);
    },
    onPage: (read: number, of: number) => pages.push([read, of]),
  };
}

const requestStep = fc.record({
  log: fc.nat({ max: 2 }),
  size: fc.integer({ min: 1, max: 3 }),
  cause: fc.option(fc.nat({ max: 60 })),
});

it('takes every event once: causes first, each log in its order, requests in one piece', async () => {
  const steps = fc.array(requestStep, { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 5 }), async (requests, pageEvents) => {
      const logs = memoryLogs(3);
      const ids: string[] = [];
      for (const { log, size, cause } of requests) {
        const causeId = cause === null ? null : (ids[cause % ids.length] ?? null);
        ids.push(...(await record(logs[log], causeId, size)));
      }
      const reader = follower();
      const read = logs.map((log) => paged(log, pageEvents));
      const heads = await Promise.all(logs.map((log) => log.head()));
      expect(await readTogether(read, reader)).toEqual(heads);

      for (const { log } of logs) {
        const own = reader.taken.filter((one) => one.log === log).map(({ position }) => position);
        expect(own).toEqual(Array.from({ length: heads[log] ?? 0 }, (_, index) => index + 1));
      }
      const place = new Map(reader.ids().map((id, index) => [id, index]));
      for (const [index, { causationId }] of reader.taken.entries()) {
        if (causationId !== null) expect(place.get(causationId)).toBeLessThan(index);
      }
      const begun = reader.taken.filter(({ requestId }, index) => requestId !== reader.taken[index - 1]?.requestId);
      expect(begun).toHaveLength(requests.length);
      // Nobody is asked about the rest of a request: it comes with its first event.
      expect(new Set(reader.asked)).toEqual(new Set(begun));
    }),
  );
});

it('waits through several logs for what an event follows from', async () => {
  const logs = memoryLogs(3);
  const [first = ''] = await record(logs[2]);
  const [second = ''] = await record(logs[1], first);
  const [third = ''] = await record(logs[0], second);
  const reader = follower();
  await readTogether(logs, reader);
  expect(reader.ids()).toEqual([first, second, third]);
});

it('reads nothing of empty logs, and no logs at all', async () => {
  const reader = follower();
  expect(await readTogether(memoryLogs(2), reader)).toEqual([0, 0]);
  expect(await readTogether([], reader)).toEqual([]);
  expect([reader.taken, reader.pages]).toEqual([[], []]);
});

it('ends where the logs stood at the beginning, whatever is appended meanwhile', async () => {
  const [zero, one] = memoryLogs(2);
  if (!zero || !one) throw new Error('two logs');
  const first = await record(zero);
  const second = await record(one);
  const growing = (log: EventLog) =>
    changed(log, {
      async head() {
        const head = await log.head();
        await record(log);
        return head;
      },
    });
  const reader = follower();
  expect(await readTogether([growing(zero), growing(one)], reader)).toEqual([1, 1]);
  expect(reader.ids()).toEqual([...first, ...second]);
  expect(reader.pages.at(-1)).toEqual([2, 2]);
});

it('looks last where the first log stands, so that what the others follow from in it is read', async () => {
  const [zero, one] = memoryLogs(2);
  if (!zero || !one) throw new Error('two logs');
  const looked: number[] = [];
  const noting = (log: EventLog) =>
    changed(log, {
      head: () => {
        looked.push(log.log);
        return log.head();
      },
    });
  await readTogether([noting(zero), noting(one)], follower());
  expect(looked).toEqual([1, 0]);
});

it('reads a log on where an event waits for what was recorded after its end', async () => {
  const [zero, one] = memoryLogs(2);
  if (!zero || !one) throw new Error('two logs');
  const expected = [...(await record(one))];
  // The other's end is known when the first log's is asked for: an event and what follows from it come between.
  const late = changed(zero, {
    async head() {
      if (expected.length === 1) {
        expected.push(...(await record(one, null, 2)));
        expected.push(...(await record(zero, expected.at(-1))));
      }
      return zero.head();
    },
  });
  const reader = follower();
  expect(await readTogether([paged(late, 1), paged(one, 1)], reader)).toEqual([1, 3]);
  expect(reader.ids()).toEqual(expected);
  expect(reader.pages.at(-1)).toEqual([4, 4]);
});

it('takes an event whose cause is nowhere when nothing else is left, one at a time', async () => {
  const logs = memoryLogs(3);
  const lost = await record(logs[0], newId(startMs), 2);
  const behind = await record(logs[0]);
  const following = await record(logs[1], lost[0] ?? null);
  const lostToo = await record(logs[1], newId(startMs));
  const fromBoth = await record(logs[2], lostToo[0] ?? null);
  const free = await record(logs[2]);
  const reader = follower();
  expect(await readTogether(logs, reader)).toEqual([3, 2, 2]);
  expect(reader.ids()).toEqual([...lost, ...behind, ...following, ...lostToo, ...fromBoth, ...free]);
});

it('tells after every page how far it has come', async () => {
  const logs = memoryLogs(2);
  for (let n = 0; n < 3; n += 1) await record(logs[0]);
  await record(logs[1], null, 2);
  const reader = follower();
  const read = logs.map((log) => paged(log, 2));
  await readTogether(read, reader);
  expect(reader.pages).toEqual([
    [2, 5],
    [3, 5],
    [5, 5],
  ]);
  const { onPage: _, ...silent } = follower();
  expect(await readTogether(read, silent)).toEqual([3, 2]);
});

it('throws where a log ends before its head', async () => {
  const [zero, one] = memoryLogs(2);
  if (!zero || !one) throw new Error('two logs');
  await record(one, null, 2);
  const shortened = changed(one, { head: async () => 3 });
  const reader = follower();
  await expect(readTogether([zero, shortened], reader)).rejects.toThrow('log 1 ends before its head 3');
  expect(reader.taken).toHaveLength(2);
});
