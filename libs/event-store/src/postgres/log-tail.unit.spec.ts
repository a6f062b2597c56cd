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
