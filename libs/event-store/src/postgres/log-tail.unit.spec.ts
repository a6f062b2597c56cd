import fc from 'fast-check';
import type { RecordedEvent } from '../contract.js';
import { MemoryEventLog } from '../memory-log.js';
import { event, startMs, write } from '../suite/place.js';
import { LogTail } from './log-tail.js';

type Step =
  | { readonly kind: 'append'; readonly sizes: readonly number[] }
  | { readonly kind: 'read'; readonly follower: number; readonly limit: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    sizes: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 40 }),
  }),
  fc.record({
    kind: fc.constant('read' as const),
    follower: fc.nat({ max: 3 }),
    limit: fc.integer({ min: 1, max: 50 }),
  }),
);

/** Where they start, and the types that they want: one from far behind, one that wants few. */
const followers = [{ types: undefined }, { types: ['A'] }, { types: ['B', 'A'] }, { types: ['C'] }];

it('gives every follower each of its events once, in order and in whole requests, wherever it stands', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat({ max: 3 }), async (steps, laggard) => {
      const log = new MemoryEventLog({ now: () => startMs });
      const tail = new LogTail((query) => log.readLog(query));
      const at = followers.map(() => 0);
      const seen = followers.map((): RecordedEvent[] => []);
      let streams = 0;
      const readOn = async (follower: number, limit: number) => {
        const { types } = followers[follower] ?? {};
        const after = at[follower] ?? 0;
        const slice =
          (await tail.read(after, limit, types)) ?? (await log.readLog({ after, limit, ...(types && { types }) }));
        seen[follower]?.push(...slice.events);
        at[follower] = slice.through;
        return slice.through > after;
      };
      for (const one of steps) {
        if (one.kind === 'read') {
          if (one.follower !== laggard) await readOn(one.follower, one.limit);
          continue;
        }
        await log.append(
          one.sizes.map((size, n) =>
            write(
              `thing-${++streams}`,
              'noStream',
              Array.from({ length: size }, () => event({ type: 'ABCD'[n % 4] ?? 'D' })),
            ),
          ),
        );
      }
      const all = (await log.readLog({ after: 0, limit: 1_000_000 })).events;
      for (const [follower, { types }] of followers.entries()) {
        // Readers at the same moment share a read.
        while ((await Promise.all([readOn(follower, 20), tail.read(at[(follower + 1) % 4] ?? 0, 5, undefined)]))[0]);
        const wanted = all.filter(({ type }) => !types || types.includes(type)).map(({ position }) => position);
        expect(seen[follower]?.map(({ position }) => position)).toEqual(wanted);
      }
    }),
    { numRuns: 200 },
  );
});

it('never cuts a request', async () => {
  const log = new MemoryEventLog({ now: () => startMs });
  const tail = new LogTail((query) => log.readLog(query));
  await log.append([
    write('thing-1', 'noStream', [event({}), event({}), event({})]),
    write('thing-2', 'noStream', [event({})]),
  ]);
  expect(await tail.read(0, 1, undefined)).toMatchObject({ through: 3, events: { length: 3 } });
  expect(await tail.read(3, 1, undefined)).toMatchObject({ through: 4, events: { length: 1 } });
  expect(await tail.read(4, 1, undefined)).toEqual({ through: 4, events: [] });
});

it('reads once for all who ask at a moment, and again for what came since', async () => {
  const log = new MemoryEventLog({ now: () => startMs });
  let reads = 0;
  const tail = new LogTail((query) => {
    reads += 1;
    return log.readLog(query);
  });
  await log.append([write('thing-1', 'noStream')]);
  await Promise.all([tail.read(0, 10, undefined), tail.read(0, 10, ['A']), tail.read(0, 10, undefined)]);
  expect(reads).toBe(1);
  await log.append([write('thing-2', 'noStream')]);
  expect((await tail.read(0, 10, undefined))?.through).toBe(1);
  expect((await tail.read(1, 10, undefined))?.through).toBe(2);
  expect(reads).toBe(2);
});

/** A log of so many requests of one event each, and the places from which it was read. */
function longLog(length: number) {
  const log = { length, asked: [] as number[] };
  const recorded = { ...event(), log: 0, stream: 'thing-1', schemaVersion: 1, recordedAt: '2026-11-05T00:00:00.000Z' };
  const tail = new LogTail(async ({ after, limit }) => {
    log.asked.push(after);
    const events = Array.from({ length: Math.max(0, Math.min(limit, log.length - after)) }, (_, index) => {
      const position = after + index + 1;
      return { ...recorded, position, revision: position - 1, requestId: `request ${position}` };
    });
    return { events, through: after + events.length };
  });
  const positions = async (after: number, limit = 10) =>
    (await tail.read(after, limit, undefined))?.events.map(({ position }) => position);
  return { log, tail, positions };
}

/** Reads on from a place until nothing comes. */
async function follow(tail: LogTail, from: number): Promise<void> {
  for (let at = from; ; ) {
    const { through = at } = (await tail.read(at, 1_000, undefined)) ?? {};
    if (through === at) return;
    at = through;
  }
}

it('keeps from where the first follower stands; what lies before it is read elsewhere', async () => {
  const { log, positions } = longLog(100);
  expect(await positions(50, 3)).toEqual([51, 52, 53]);
  expect(await positions(53, 2)).toEqual([54, 55]);
  expect(await positions(49)).toBeUndefined();
  expect(await positions(100)).toEqual([]);
  expect(log.asked).toEqual([50, 100]);
});

it('keeps anew from a follower who is far ahead', async () => {
  const { log, positions } = longLog(100);
  expect(await positions(98)).toEqual([99, 100]);
  log.length = 5_000;
  expect(await positions(4_998)).toEqual([4_999, 5_000]);
  expect(await positions(98)).toBeUndefined();
  expect(log.asked).toEqual([98, 4_998]);
});

it('keeps what is being read when somebody asks from further on meanwhile', async () => {
  const { log, positions } = longLog(100);
  expect(await Promise.all([positions(0, 2), positions(90, 2)])).toEqual([
    [1, 2],
    [91, 92],
  ]);
  expect(await positions(1, 2)).toEqual([2, 3]);
  expect(log.asked).toEqual([0]);
});

it('keeps the last eight thousand events and more, not all', async () => {
  const { log, tail, positions } = longLog(30_000);
  await follow(tail, 0);
  const reads = log.asked.length;
  expect(await positions(30_000 - 8_192, 2)).toEqual([21_809, 21_810]);
  expect(await positions(30_000 - 10_192)).toBeUndefined();
  expect(log.asked).toHaveLength(reads);
  expect(await positions(29_999)).toEqual([30_000]);
});

it('gives no event behind a hole, until what was missing is there', async () => {
  const log = new MemoryEventLog({ now: () => startMs });
  await log.append([write('thing-1', 'noStream', 1), write('thing-2', 'noStream', 1)]);
  let isMissing = true;
  const tail = new LogTail(async (query) => {
    const slice = await log.readLog(query);
    return isMissing ? { ...slice, events: slice.events.slice(1) } : slice;
  });
  expect(await tail.read(0, 10, undefined)).toEqual({ events: [], through: 0 });
  isMissing = false;
  expect(await tail.read(0, 10, undefined)).toMatchObject({ events: [{ position: 1 }, { position: 2 }], through: 2 });
});

it('fails those whose read failed, and reads for those who ask again', async () => {
  let reads = 0;
  const tail = new LogTail(async ({ after }) => {
    reads += 1;
    if (reads === 1) throw new Error('no answer');
    return { events: [], through: after };
  });
  const failing = [tail.read(0, 10, undefined), tail.read(0, 10, undefined)];
  for (const { status } of await Promise.allSettled(failing)) expect(status).toBe('rejected');
  expect(await tail.read(0, 10, undefined)).toEqual({ events: [], through: 0 });
  expect(reads).toBe(2);
});
