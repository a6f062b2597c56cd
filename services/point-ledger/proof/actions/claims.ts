import { idFromScope, isoTime, newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import type { GrantOrder } from '../../src/domain/grant.js';
import type { Message } from '../reference-ledger.js';
import { claimWork } from '../work.js';
import { fundTerms, startMs, type World } from '../world.js';
import type { ActionKind } from './action.js';

const DAY_MS = 86_400_000;

interface NewClaim {
  readonly person: number;
  readonly measure: number;
  readonly fund: number;
  readonly points: number;
  readonly expiresInDays: number | null;
  /** Dry-run where the fund is not, or the other way round. */
  readonly odd: boolean;
  /** By a list, with an embargo. */
  readonly list: { readonly batch: number; readonly embargoHours: number } | null;
}

const newClaim: fc.Arbitrary<NewClaim> = fc.record({
  person: fc.nat({ max: 2 }),
  measure: fc.nat({ max: 7 }),
  fund: fc.nat({ max: 3 }),
  points: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 12 }) }, fc.integer({ min: 0, max: 400 })),
  expiresInDays: fc.option(fc.integer({ min: -1, max: 12 }), { freq: 2 }),
  odd: fc.nat({ max: 15 }).map((n) => n === 15),
  list: fc.option(fc.record({ batch: fc.nat({ max: 1 }), embargoHours: fc.constantFrom(0, 0, 20) }), { freq: 2 }),
});

/** A batch of claims: new ones, one that was refused and is claimed again, and some that came before. */
export const claims: ActionKind<{ fresh: NewClaim[]; reopened: number | null; again: number[] }> = {
  arbitrary: fc.record({
    fresh: fc.array(newClaim, { maxLength: 5 }),
    reopened: fc.option(fc.nat({ max: 99 })),
    again: fc.array(fc.nat({ max: 99 }), { maxLength: 2 }),
  }),
  prepare(world, { fresh, reopened, again }) {
    const repeated = again.flatMap((pick) => world.again(pick));
    const made = [
      ...fresh.map((claim) => accepted(world, claim)),
      ...(reopened === null ? [] : reopen(world, reopened)),
    ];
    for (const message of made) world.messages.push(message);
    return claimWork([...made, ...repeated]);
  },
};

function accepted(world: World, { person, measure, fund, points, expiresInDays, odd, list }: NewClaim): Message {
  const order: GrantOrder = {
    claimId: newId(world.nowMs),
    personId: world.personIds[person] ?? '',
    campaignId: idFromScope('campaign'),
    // A list is for a measure of its own: nobody has two lots of one.
    measureId: idFromScope(list ? `list ${list.batch}` : `measure ${measure}`),
    programmeId: 'default',
    fundId: world.fundIds[fund] ?? '',
    amountPoints: points,
    ruleVersion: 1,
    attempt: 1,
    dryRun: fundTerms(fund).dryRun !== odd,
    pointsExpireAt: expiresInDays === null ? null : isoTime(startMs + expiresInDays * DAY_MS),
    pointsExpireAfterMonths: null,
    answers: [],
    receiptNumber: 'R',
    ...(list ? { batchId: world.batchIds[list.batch] ?? '', usableAfterHours: list.embargoHours } : {}),
  };
  return { kind: 'claim', id: newId(world.nowMs), order };
}

/** The next attempt at a claim that was refused because its fund was exhausted. */
function reopen(world: World, pick: number): Message[] {
  const refused = [...world.reference.claims].filter(([, { reasonCode }]) => reasonCode === 'fund_exhausted');
  const [claimId, decision] = refused[pick % refused.length] ?? [];
  const before = world.messages.find((message) => message.kind === 'claim' && message.order.claimId === claimId);
  if (before?.kind !== 'claim' || !decision) return [];
  const order = { ...before.order, attempt: decision.attempt + 1 };
  return [{ kind: 'claim', id: newId(world.nowMs), order }];
}
