import type { EventLog } from '@tsunagu/event-store';

const WAIT_SECONDS_MAX = 10;

/** N of `Prefer: wait=N` (RFC 7240 §4.3), 1–10; undefined where there is no such wish. */
export function waitSeconds(prefer: string | undefined): number | undefined {
  const match = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(prefer?.slice(0, 200) ?? '');
  const seconds = match?.[1] === undefined ? 0 : Number(match[1]);
  return seconds >= 1 ? Math.min(seconds, WAIT_SECONDS_MAX) : undefined;
}

/**
 * Asks `probe` until it gives a value that is `done`, again each time the log grows, for at most `seconds` (real clock);
 * then gives what there is. For answers that wait for an event: `probe` reads a stream or a projection.
 */
export async function until<T>(
  log: EventLog,
  probe: () => Promise<T>,
  done: (value: T) => boolean,
  seconds: number,
): Promise<T> {
  const deadline = performance.now() + seconds * 1_000;
  for (;;) {
    // Before the probe, so that what is appended meanwhile wakes the wait.
    const head = await log.head();
    const value = await probe();
    const left = deadline - performance.now();
    if (done(value) || left <= 0) return value;
    await log.waitForAppend(head, left);
  }
}
