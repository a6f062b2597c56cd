import { addDays, endOfDay, japanDayOf } from '@tsunagu/kernel';
import fc from 'fast-check';
import { expiryWork } from '../work.js';
import type { World } from '../world.js';
import type { ActionKind } from './action.js';

/** The last day that has ended in Japan. */
const dayOf = ({ nowMs }: World) => addDays(japanDayOf(nowMs), -1);

/** What the job finds by a read model is here what the reference still has. */
export function lotsPastTerm(world: World): { lotId: string; personId: string }[] {
  const ended = endOfDay(dayOf(world));
  return [...world.reference.lots]
    .filter(([, lot]) => lot.available > 0 && lot.expiresAt !== null && Date.parse(lot.expiresAt) <= ended)
    .map(([lotId, { personId }]) => ({ lotId, personId }));
}

/** The day's run of the expiry job. */
export const expiry: ActionKind<null> = {
  arbitrary: fc.constant(null),
  prepare: (world) => expiryWork(dayOf(world), lotsPastTerm(world)),
};
