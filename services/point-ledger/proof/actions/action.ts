import type fc from 'fast-check';
import type { Work } from '../work.js';
import type { World } from '../world.js';

/** One kind of thing that a worker may be asked to do in a step. */
export interface ActionKind<A> {
  readonly arbitrary: fc.Arbitrary<A>;
  /** Says what is new to the world's messages and gives the work. */
  prepare(world: World, action: A): Work;
}
