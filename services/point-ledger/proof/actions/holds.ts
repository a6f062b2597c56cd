import { newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import type { Message } from '../reference-ledger.js';
import { holdWork } from '../work.js';
import type { World } from '../world.js';
import type { ActionKind } from './action.js';

interface NewRequest {
  readonly person: number;
  /** So many percent of what the person has, or so many points, whether they are there or not. */
  readonly share: number | null;
  readonly points: number;
  readonly owners: string[];
  /** The first message that the ledger gets of it is its end. */
  readonly late: boolean;
}

interface NewEnd {
  readonly exchange: number;
  /** Of one that is held, if there is any; else of any. */
  readonly ofHeld: boolean;
  readonly outcome: 'confirmed' | 'released';
  /** What the provider credited, where that is not all; it need not fit. */
  readonly credited: number | null;
}

const newRequest: fc.Arbitrary<NewRequest> = fc.record({
  person: fc.nat({ max: 2 }),
  share: fc.option(fc.integer({ min: 1, max: 100 }), { freq: 3 }),
  points: fc.integer({ min: 0, max: 20 }),
  owners: fc.constantFrom(['demo', 'other'], ['demo', 'other'], ['demo'], ['other']),
  late: fc.nat({ max: 9 }).map((n) => n === 9),
});

const newEnd: fc.Arbitrary<NewEnd> = fc.record({
  exchange: fc.nat({ max: 99 }),
  ofHeld: fc.nat({ max: 3 }).map((n) => n > 0),
  outcome: fc.constantFrom('confirmed', 'released'),
  credited: fc.option(fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 20 })), { freq: 2 }),
});

/** A batch about exchanges: requests, ends of any outcome whether it fits or not, and some that came before. */
export const holds: ActionKind<{ requests: NewRequest[]; ends: NewEnd[]; again: number[] }> = {
  arbitrary: fc.record({
    requests: fc.array(newRequest, { maxLength: 2 }),
    ends: fc.array(newEnd, { maxLength: 2 }),
    again: fc.array(fc.nat({ max: 99 }), { maxLength: 2 }),
  }),
  prepare(world, { requests, ends, again }) {
    const repeated = again.flatMap((pick) => world.again(pick));
    const requested = requests.map((one) => request(world, one));
    for (const message of requested) world.messages.push(message);
    const ended = ends.flatMap((one) => end(world, one));
    for (const message of ended) world.messages.push(message);
    const inTime = requested.filter((_, index) => !requests[index]?.late);
    return holdWork([...inTime, ...ended, ...repeated]);
  },
};

function request(world: World, { person, share, points: fixed, owners }: NewRequest): Message {
  const exchangeId = newId(world.nowMs);
  const rich = share === null ? [] : world.personIds.filter((personId) => spendable(world, personId) > 0);
  const from = rich.length > 0 ? rich : world.personIds;
  const personId = from[person % from.length] ?? '';
  const points = share === null ? fixed : Math.ceil((spendable(world, personId) * share) / 100);
  const asked = { exchangeId, personId, linkId: exchangeId, providerId: 'sim-pay', points, payingOwnerIds: owners };
  return { kind: 'request', id: exchangeId, request: asked };
}

/** More than that where an embargo or another payer stands before it. */
function spendable({ reference, nowMs }: World, personId: string): number {
  return reference
    .lotsOf(personId)
    .filter(([, { dryRun, reversed, expiresAt }]) => !dryRun && !reversed && Date.parse(expiresAt ?? '9999') > nowMs)
    .reduce((sum, [, { available }]) => sum + available, 0);
}

function end(world: World, { exchange, ofHeld, outcome, credited }: NewEnd): Message[] {
  const requests = world.messages.filter((message) => message.kind === 'request');
  const held = requests.filter(({ id }) => world.reference.exchanges.get(id)?.state === 'held');
  const from = ofHeld && held.length > 0 ? held : requests;
  const asked = from[exchange % from.length]?.request;
  if (!asked) return [];
  const { exchangeId, personId } = asked;
  const part = outcome === 'confirmed' && credited !== null ? { points: credited } : {};
  return [
    { kind: 'end', id: newId(world.nowMs), end: { exchangeId, personId, outcome, reasonCode: outcome, ...part } },
  ];
}
