import { deliveryState, failuresMax, toldSince, waitMs } from './webhook-delivery.js';

describe('a webhook', () => {
  it('waits twice as long after each failure, an hour at most, and is given up after about a day', () => {
    expect([1, 2, 3, 12, 13, 36].map(waitMs)).toEqual([1_000, 2_000, 4_000, 2_048_000, 3_600_000, 3_600_000]);
    let hours = 0;
    for (let failures = 1; failures < failuresMax; failures += 1) hours += waitMs(failures) / 3_600_000;
    expect(hours).toBeGreaterThan(23);
    expect(hours).toBeLessThan(26);
  });

  it.each([
    [0, 0, 'current'],
    [0, 3, 'delivering'],
    [1, 3, 'retrying'],
    [failuresMax - 1, 1, 'retrying'],
    [failuresMax, 1, 'stalled'],
  ])('after %d failures with %d to tell is %s', (failures, undelivered, state) => {
    expect(deliveryState(failures, undelivered)).toBe(state);
  });

  it('tells from the later of the two on', () => {
    const [early, late] = [{ since: '2026-11-20T01:00:00.000Z' }, { since: '2026-11-21T01:00:00.000Z' }];
    expect([toldSince(early, late), toldSince(late, early)]).toEqual([late.since, late.since]);
  });
});
