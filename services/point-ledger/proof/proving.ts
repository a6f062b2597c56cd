import fc from 'fast-check';
import { type OpenLog, programmes } from './programme.js';
import type { PlantedFault } from './world.js';

/** Programmes under one seed: a failing one is named by its seed and found again in no time. */
const PROGRAMMES_A_SEED = 5;
/** Programmes wait for back-offs of the workflows; so many at once keep a core busy meanwhile. */
const AT_ONCE = 150;

/** A failing programme is shrunk for no longer: a claim that waits for ever does so for two seconds each time. */
const SHRINKING_MS = 45_000;

export interface Proved {
  readonly programmes: number;
  /** What a failing programme says of itself: seed, path, the shrunk steps and the difference. */
  readonly failure?: string;
}

/** Runs so many programmes; the first failing one is shrunk and ends it. Seeds are counted up from `seed`. */
export async function prove(options: {
  readonly count: number;
  readonly seed: number;
  readonly atOnce?: number;
  readonly openLog?: OpenLog;
  readonly planted?: PlantedFault;
  /** Whether a failing programme is made smaller before it is told (default); a hundred runs of it take a while. */
  readonly shrinks?: boolean;
  readonly onProgress?: (done: number) => void;
}): Promise<Proved> {
  const { count, seed, atOnce = AT_ONCE, openLog, planted, shrinks = true, onProgress } = options;
  let begun = 0;
  let done = 0;
  let failure: string | undefined;
  const line = async () => {
    while (begun < count && failure === undefined) {
      const numRuns = Math.min(PROGRAMMES_A_SEED, count - begun);
      const mySeed = seed + begun / PROGRAMMES_A_SEED;
      begun += numRuns;
      const parameters = { seed: mySeed, numRuns };
      const details = await fc.check(programmes(openLog, planted), { ...parameters, endOnFailure: true });
      if (details.failed && failure === undefined) {
        failure = described(details);
        const limits = { interruptAfterTimeLimit: SHRINKING_MS };
        if (shrinks) failure = described(await fc.check(programmes(openLog, planted), { ...parameters, ...limits }));
      }
      done += details.numRuns;
      onProgress?.(done);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, line));
  if (done < count) failure ??= `only ${done} of ${count} programmes came to their end in time`;
  return failure === undefined ? { programmes: done } : { programmes: done, failure };
}

function described<T extends Iterable<object>>(details: fc.RunDetails<[number[], T]>): string {
  const [funded, commands] = details.counterexample ?? [];
  const steps = [`funds ${funded}`, ...[...(commands ?? [])].map((step, index) => `${index + 1}  ${step}`)];
  const { seed, counterexamplePath, numShrinks } = details;
  const error = details.errorInstance instanceof Error ? details.errorInstance.stack : String(details.errorInstance);
  return `seed ${seed} (again by: npm run prove -- --seed ${seed} --programmes ${PROGRAMMES_A_SEED}), path ${counterexamplePath}, after ${numShrinks} shrinks:\n${steps.join('\n')}\n${error}`;
}
