import { isoTime, realClock } from './clock.js';

test('a stamp is ISO 8601 in UTC with milliseconds', () => {
  expect(isoTime(1_763_600_000_007)).toBe('2025-11-20T00:53:20.007Z');
});

test('the real clock is the system’s', () => {
  const before = Date.now();
  const now = realClock.now();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
});
