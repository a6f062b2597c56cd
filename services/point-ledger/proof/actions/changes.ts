import { isoTime, newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import type { Message } from '../reference-ledger.js';
import { changeWork } from '../work.js';
import { startMs, type World } from '../world.js';
import type { ActionKind } from './action.js';

const DAY_MS = 86_400_000;

interface NewExtension {
  readonly owner: string;
  readonly fund: number | null;
  /** Of the lots that end from this day on, within so many days: until this day. */
  readonly fromDay: number;
  readonly days: number;
  readonly untilDay: number;
}

const newExtension: fc.Arbitrary<NewExtension> = fc.record({
  owner: fc.constantFrom('demo', 'demo', 'other'),
  fund: fc.option(fc.nat({ max: 3 })),
  fromDay: fc.integer({ min: -1, max: 6 }),
  days: fc.integer({ min: 1, max: 8 }),
  untilDay: fc.integer({ min: 1, max: 16 }),
});

/** What staff have approved: grants taken back, a list recalled, terms extended; and some that were approved before. */
export const changes: ActionKind<{
  reversed: number[];
  recalled: number | null;
  extension: NewExtension | null;
  again: number[];
}> = {
  arbitrary: fc.record({
    reversed: fc.array(fc.nat({ max: 99 }), { maxLength: 2 }),
    recalled: fc.option(fc.nat({ max: 1 })),
    extension: fc.option(newExtension, { freq: 2 }),
    again: fc.array(fc.nat({ max: 99 }), { maxLength: 2 }),
  }),
  prepare(world, { reversed, recalled, extension, again }) {
    const repeated = again.flatMap((pick) => world.again(pick));
    const made = [
      ...reversed.flatMap((pick) => reversal(world, pick)),
      ...(recalled === null ? [] : [recall(world, world.batchIds[recalled] ?? '')]),
      ...(extension === null ? [] : [extend(world, extension)]),
    ];
    for (const message of made) world.messages.push(message);
    return changeWork([...made, ...repeated]);
  },
};

function lotsOf(world: World) {
  return [...world.reference.lots].map(([lotId, { personId, batchId }]) => ({ lotId, personId, batchId }));
}

function reversal(world: World, pick: number): Message[] {
  const lots = lotsOf(world);
  const lot = lots[pick % lots.length];
  return lot ? [{ kind: 'reversal', id: newId(world.nowMs), lots: [lot], batchId: null }] : [];
}

function recall(world: World, batchId: string): Message {
  const lots = lotsOf(world).filter((lot) => lot.batchId === batchId);
  return { kind: 'reversal', id: newId(world.nowMs), lots, batchId };
}

function extend(world: World, { owner, fund, fromDay, days, untilDay }: NewExtension): Message {
  const id = newId(world.nowMs);
  const onDay = (day: number) => isoTime(startMs + day * DAY_MS);
  const rule = {
    extensionId: id,
    ownerId: owner,
    campaignId: null,
    fundId: fund === null ? null : (world.fundIds[fund] ?? null),
    expiresFrom: onDay(fromDay),
    expiresBefore: onDay(fromDay + days),
    newExpiresAt: onDay(untilDay),
  };
  return { kind: 'extension', id, lots: lotsOf(world), rule };
}
