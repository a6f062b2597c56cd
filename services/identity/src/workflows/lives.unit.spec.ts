import fc from 'fast-check';
import { type Step, steps } from '../test-lives.js';
import { World } from '../test-world.js';

/** LIVES=10000 for a long run. */
const programmes = Number(process.env.LIVES ?? 1_000);

describe('random lives', () => {
  it(`make one person of one human, ${programmes} times, whatever crashes in between`, async () => {
    const seen = { ...new World().counts };
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 50, size: 'max' }), async (programme) => {
        const world = new World();
        for (const step of programme) {
          await world.run(step);
          await world.check();
        }
        for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] += world.counts[name];
      }),
      { numRuns: programmes },
    );
    // The programmes meet what they are about.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(programmes / 100);
  }, 600_000);

  it('make nobody free to be granted again who comes to an erased id’s digest while that is merged into another', async () => {
    const world = new World();
    const tap = { which: 0, old: false, attributes: true };
    const login = { kind: 'login', times: 1, inSession: false, signs: false, crash: undefined } as const;
    const programme: readonly Step[] = [
      { kind: 'card', human: 0, linked: true },
      { kind: 'tap', human: 0, taps: [tap], crash: undefined },
      { ...login, human: 1, attributes: false },
      { kind: 'erase', human: 0, crash: undefined },
      { kind: 'wrongMerge', human: 0, other: 1 },
      { ...login, human: 0, attributes: true },
      { kind: 'split', crash: undefined },
      { kind: 'decide', which: 0, crash: undefined },
    ];
    for (const step of programme) {
      await world.run(step);
      await world.check();
    }
    expect([world.counts.erased, world.counts.merges]).toEqual([1, 1]);
  });
});
