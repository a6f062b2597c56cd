/** The one clock for stamps and checks. Time-outs and back-off use the real clock instead (DESIGN: Clock). */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z. */
  now(): number;
}

export const realClock: Clock = { now: () => Date.now() };

/** A stamp as events and answers carry it: ISO 8601, UTC, milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
