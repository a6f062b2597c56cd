import { newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import type { Message } from '../reference-ledger.js';
import { holdWork } from '../work.js';
import type { World } from '../world.js';
import type { ActionKind } from './action.js';

interface NewRequest {
  readonly person: number;
  readonly points: number;
  readonly owners: string[];
  /** The first message that the ledger gets of it is its end. */
  readonly late: boolean;
}

interface NewEnd {
  readonly exchange: number;
  readonly outcome: 'confirmed' | 'released';
  /** What the provider credited, where that is not all; it need not fit. */
  readonly credited: number | null;
}

const newRequest: fc.Arbitrary<NewRequest> = fc.record({
  person: fc.nat({ max: 2 }),
  points: fc.integer({ min: 0, max: 20 }),
  owners: fc.subarray(['demo', 'other'], { minLength: 1 }),
  late: fc.nat({ max: 9 }).map((n) => n === 9),
});

const newEnd: fc.Arbitrary<NewEnd> = fc.record({
  exchange: fc.nat({ max: 99 }),
  outcome: fc.constantFrom('confirmed', 'released'),
  credited: fc.option(fc.integer({ min: 0, max: 20 }), { freq: 1 }),
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

function request(world: World, { person, points, owners }: NewRequest): Message {
  const exchangeId = newId(world.nowMs);
  const personId = world.personIds[person] ?? '';
  const asked = { exchangeId, personId, linkId: exchangeId, providerId: 'sim-pay', points, payingOwnerIds: owners };
  return { kind: 'request', id: exchangeId, request: asked };
}

function end(world: World, { exchange, outcome, credited }: NewEnd): Message[] {
  const requests = world.messages.filter((message) => message.kind === 'request');
  const asked = requests[exchange % requests.length]?.request;
  if (!asked) return [];
  const { exchangeId, personId } = asked;
  const part = outcome === 'confirmed' && credited !== null ? { points: credited } : {};
  return [
    { kind: 'end', id: newId(world.nowMs), end: { exchangeId, personId, outcome, reasonCode: outcome, ...part } },
  ];
}
