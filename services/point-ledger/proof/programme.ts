import type { EventLog } from '@tsunagu/event-store';
import { MemoryEventLog } from '@tsunagu/event-store/memory';
import fc from 'fast-check';
import type { ActionKind } from './actions/action.js';
import { changes } from './actions/changes.js';
import { claims } from './actions/claims.js';
import { expiry } from './actions/expiry.js';
import { commit, sweep } from './actions/funds.js';
import { holds } from './actions/holds.js';
import { type Fault, faultKinds } from './failing-log.js';
import { ReferenceLedger } from './reference-ledger.js';
import type { Work } from './work.js';
import { type PlantedFault, World, workerCount } from './world.js';

/** The vocabulary, and how often each word is drawn. A new act of the ledger is one more line here and one more method of the reference. */
const vocabulary = [
  { weight: 6, kind: claims },
  { weight: 4, kind: holds },
  { weight: 2, kind: changes },
  { weight: 2, kind: commit },
  { weight: 1, kind: sweep },
  { weight: 1, kind: expiry },
] as const;

/** A drawn action, with its kind. */
interface Drawn {
  readonly name: string;
  readonly faults: readonly Fault[];
  readonly worker: number;
  prepare(world: World): Work;
}

const names = ['claims', 'holds', 'changes', 'commit', 'sweep', 'expiry'];

function drawn<A>(kind: ActionKind<A>, name: string): fc.Arbitrary<Drawn> {
  const worker = fc.nat({ max: workerCount - 1 });
  return fc.record({ worker, action: kind.arbitrary, faults }).map(({ action, ...rest }) => ({
    ...rest,
    name: `${name} ${JSON.stringify(action)}`,
    prepare: (world) => kind.prepare(world, action),
  }));
}

const fault = fc.record({ kind: fc.constantFrom(...faultKinds), at: fc.nat({ max: 9 }) });
/** Every other step goes well; the calls of a step are about ten. */
const faults = fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, fc.array(fault, { minLength: 1, maxLength: 3 }));

const anyAction = fc.oneof(
  ...vocabulary.map(({ weight, kind }, index) => ({
    weight,
    arbitrary: drawn(kind as ActionKind<unknown>, names[index] ?? ''),
  })),
);

type Step = fc.AsyncCommand<ReferenceLedger, World>;

function step(describe: () => string, run: (world: World) => Promise<void> | void): Step {
  return { check: () => true, run: async (_, world) => run(world), toString: describe };
}

const said = ({ name, worker, faults: wrong }: Drawn) =>
  `worker ${worker}: ${name}${wrong.map(({ kind, at }) => `, ${kind} at call ${at}`).join('')}`;

const alone = anyAction.map((one) =>
  step(
    () => said(one),
    (world) => world.step([share(world, one)]),
  ),
);

const atOnce = fc
  .record({ first: anyAction, second: anyAction, picks: fc.array(fc.nat({ max: 5 }), { maxLength: 30 }) })
  .filter(({ first, second }) => first.worker !== second.worker)
  .map(({ first, second, picks }) =>
    step(
      () => `at once (${picks.join('')}) ${said(first)} | ${said(second)}`,
      (world) => world.step([share(world, first), share(world, second)], picks),
    ),
  );

const restart = fc.nat({ max: workerCount - 1 }).map((worker) =>
  step(
    () => `worker ${worker} starts again`,
    (world) => world.restart(worker),
  ),
);

const HOUR_MS = 3_600_000;
/** Forward by up to two days, and back by up to an hour. */
const clock = fc.integer({ min: -HOUR_MS, max: 48 * HOUR_MS }).map((ms) =>
  step(
    () => `the clock jumps ${ms} ms`,
    (world) => {
      world.nowMs += ms;
    },
  ),
);

function share(world: World, { worker, faults: wrong, prepare }: Drawn) {
  return { worker, faults: wrong, work: prepare(world) };
}

/** What the funds have at the beginning; some are not there yet. */
const funded = fc.tuple(...[0, 1, 2, 3].map(() => fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 300 }))));

export type OpenLog = (clock: { now(): number }) => Promise<EventLog>;

/** A programme of up to 30 steps, run from an empty ledger to its end. The property holds where the reference agrees after every step. */
export function programmes(openLog: OpenLog = openMemory, planted?: PlantedFault) {
  // One step in three is two at once; of the others, one in ten each is a restart or a jump of the clock.
  const steps = fc.commands([alone, alone, alone, alone, atOnce, atOnce, restart, clock], {
    maxCommands: 30,
    size: '+1',
  });
  return fc.asyncProperty(funded, steps, async (points, commands) => {
    const reference = new ReferenceLedger();
    const world = await World.open(openLog, reference, planted);
    for (const [fund, committed] of points.entries()) {
      if (committed > 0)
        await world.step([{ worker: 1, faults: [], work: commit.prepare(world, { fund, points: committed }) }]);
    }
    await fc.asyncModelRun(() => ({ model: reference, real: world }), commands);
    await world.settle();
  });
}

const openMemory: OpenLog = async (time) => new MemoryEventLog(time);
