import fc from 'fast-check';
import { decideAttempt } from './attempt-limits.js';

const hour = { wrongMax: 5, windowSeconds: 3_600 };
const day = { wrongMax: 10, windowSeconds: 86_400 };

describe('one more security code', () => {
  it('is allowed below the limit, and again once the oldest has left the window', () => {
    const attemptedAt = [1_000, 2_000, 3_000, 4_000, 5_000];
    expect(decideAttempt([{ limit: hour, attemptedAt: attemptedAt.slice(1) }], 6_000).ok).toBe(true);
    expect(decideAttempt([{ limit: hour, attemptedAt }], 6_000)).toEqual({
      ok: false,
      refusal: { code: 'service_link.too_many_attempts', retryAfterSeconds: 3_595 },
    });
    expect(decideAttempt([{ limit: hour, attemptedAt }], 3_601_000).ok).toBe(true);
  });

  it('waits for the subject that has room last', () => {
    const account = { limit: hour, attemptedAt: Array.from({ length: 5 }, () => 0) };
    const person = { limit: day, attemptedAt: Array.from({ length: 10 }, () => 0) };
    expect(decideAttempt([account, person], 1_000)).toMatchObject({ refusal: { retryAfterSeconds: 86_399 } });
  });

  it('never lets more than the limit into any window, whoever waits as told', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2_000_000 }), { maxLength: 60 }), (pauses) => {
        const made: number[] = [];
        let now = 0;
        for (const pause of pauses) {
          now += pause;
          const decided = decideAttempt([{ limit: hour, attemptedAt: made }], now);
          if (decided.ok) made.push(now);
          else {
            const later = now + (decided.refusal.retryAfterSeconds ?? 0) * 1_000;
            expect(decideAttempt([{ limit: hour, attemptedAt: made }], later).ok).toBe(true);
          }
        }
        for (const at of made)
          expect(made.filter((other) => other > at - 3_600_000 && other <= at).length).toBeLessThan(6);
      }),
    );
  });
});
