import fc from 'fast-check';

export const humans = 3;
/** Two of the three share name, birth date and sex. */
export const nameOf = (human: number) => (human === 2 ? 'another' : 'namesake');

const human = fc.nat({ max: humans - 1 });
const crash = fc.option(fc.record({ appends: fc.nat({ max: 2 }), recorded: fc.boolean() }), {
  freq: 4,
  nil: undefined,
});
/** A link is missing now and then. */
const linked = fc.nat({ max: 3 }).map((n) => n !== 3);
const tap = fc.record({
  which: fc.nat({ max: 3 }),
  old: fc.nat({ max: 3 }).map((n) => n === 3),
  attributes: fc.boolean(),
});
/** What may happen in the lives of a few humans, in any order. */
export const steps = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('card' as const), human, linked }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('phone' as const), human, linked }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('tap' as const),
      human,
      taps: fc.array(tap, { minLength: 1, maxLength: 3 }),
      crash,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('login' as const),
      human,
      times: fc.integer({ min: 1, max: 2 }),
      attributes: fc.boolean(),
      /** In a session of the human's own card. */
      inSession: fc.boolean(),
      /** The human's newest card signs in it. */
      signs: fc.boolean(),
      crash,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('joinCard' as const),
      human,
      taps: fc.array(fc.record({ which: fc.nat({ max: 1 }), joins: fc.boolean() }), { minLength: 1, maxLength: 3 }),
      attributes: fc.boolean(),
      crash,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('withdraw' as const), human, which: fc.nat({ max: 2 }), crash }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sourceDown' as const), human }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('lateLink' as const), human }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('decide' as const), which: fc.nat({ max: 5 }), crash }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('merge' as const), human, crash }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wrongMerge' as const), human, other: human }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('split' as const), crash }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('erase' as const), human, crash }) },
);
export type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;
