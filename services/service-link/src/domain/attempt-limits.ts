import { ok, type Result, refuse } from '@tsunagu/kernel';

/** How many wrong security codes may be tried, and in which time they are counted. */
export interface AttemptLimit {
  readonly wrongMax: number;
  readonly windowSeconds: number;
}

export interface AttemptLimits {
  readonly account: AttemptLimit;
  readonly person: AttemptLimit;
  readonly terminal: AttemptLimit;
}

/** For one subject: when the attempts that count were made (milliseconds), oldest first, those without an answer included. */
export interface CountedAttempts {
  readonly limit: AttemptLimit;
  readonly attemptedAt: readonly number[];
}

/** Whether one more code may be tried. `retryAfterSeconds` is when the last of the subjects that are full has room again. */
export function decideAttempt(
  counted: readonly CountedAttempts[],
  nowMs: number,
): Result<undefined, 'service_link.too_many_attempts'> {
  const waitsMs = counted.flatMap(({ limit, attemptedAt }) => {
    const counting = attemptedAt.filter((at) => at > nowMs - limit.windowSeconds * 1_000);
    const leaving = counting[counting.length - limit.wrongMax];
    return leaving === undefined ? [] : [leaving + limit.windowSeconds * 1_000 - nowMs];
  });
  if (waitsMs.length === 0) return ok(undefined);
  return refuse('service_link.too_many_attempts', { retryAfterSeconds: Math.ceil(Math.max(...waitsMs) / 1_000) });
}
