import { setImmediate as microtasksDone } from 'node:timers/promises';

/** Something that asks for its turn before each of its calls. */
export type Party<T> = (turn: () => Promise<void>) => Promise<T>;

/**
 * Runs parties at once, one call at a time: the next call goes out when every party that has not ended waits for its
 * turn, so the order is that of `picks` whatever the timers do. After the picks any party may be next, by a fixed die:
 * two that keep in step for ever are what the back-offs of the workflows prevent, which here do not count.
 */
export async function inTurns<T>(
  parties: readonly Party<T>[],
  picks: readonly number[],
): Promise<PromiseSettledResult<T>[]> {
  const running = new Set(parties.keys());
  const waiting: { readonly party: number; readonly go: () => void }[] = [];
  let wake = () => {};
  const ends = parties.map((party, index) =>
    party(
      () =>
        new Promise<void>((go) => {
          waiting.push({ party: index, go });
          wake();
        }),
    ).finally(() => {
      running.delete(index);
      wake();
    }),
  );
  const settled = Promise.allSettled(ends);
  for (let call = 0; running.size > 0; ) {
    if ([...running].some((party) => !waiting.some((one) => one.party === party))) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    const pick = picks[call] ?? roll(call);
    call += 1;
    const [chosen] = waiting.splice(pick % waiting.length, 1);
    chosen?.go();
    // What a party does next without waiting for anything happens before the next turn is given.
    await microtasksDone();
  }
  return settled;
}

/** Knuth's multiplicative hash of the number of the call. */
function roll(call: number): number {
  return Math.imul(call + 1, 2_654_435_761) >>> 20;
}
