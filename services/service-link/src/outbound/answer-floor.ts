import { setTimeout as pause } from 'node:timers/promises';

/** The real clock, for waiting only. */
export interface Waiting {
  /** Milliseconds that only grow. */
  now(): number;
  /** Resolves at that time of `now`, at once when it has passed. */
  until(timeMs: number): Promise<void>;
}

export const realWaiting: Waiting = {
  now: () => performance.now(),
  async until(timeMs) {
    const leftMs = timeMs - performance.now();
    if (leftMs > 0) await pause(leftMs, undefined, { ref: false });
  },
};

/**
 * What a provider says of a security code is recorded and shown no earlier than `floorMs` after it was asked, whatever it says:
 * how fast an account is known or a code compared cannot be read off our answers below that.
 */
export async function noSoonerThan<T>(floorMs: number, waiting: Waiting, ask: () => Promise<T>): Promise<T> {
  const deadlineMs = waiting.now() + floorMs;
  const answer = await ask();
  await waiting.until(deadlineMs);
  return answer;
}
