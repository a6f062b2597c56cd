import fc from 'fast-check';
import { addPoints, points, subtractPoints, sumPoints } from './points.js';

const amounts = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe('points', () => {
  test('only whole numbers from 0 to 2^53 − 1 are points', () => {
    fc.assert(fc.property(amounts, (n) => points(n) === n));
    for (const n of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => points(n)).toThrow(new RangeError(`not a number of points: ${n}`));
  });

  test('a sum is exact, or it throws', () => {
    fc.assert(
      fc.property(amounts, amounts, (a, b) => {
        const exact = BigInt(a) + BigInt(b);
        if (exact > BigInt(Number.MAX_SAFE_INTEGER)) expect(() => addPoints(a, b)).toThrow(RangeError);
        else expect(BigInt(addPoints(a, b))).toBe(exact);
      }),
    );
  });

  test('taking away gives back what was added; taking more than there is throws', () => {
    fc.assert(
      fc.property(amounts, amounts, (a, b) => {
        if (b > a) expect(() => subtractPoints(a, b)).toThrow(RangeError);
        else expect(addPoints(subtractPoints(a, b), b)).toBe(a);
      }),
    );
  });

  test('the sum of many is checked at every step', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000_000 })), (list) => {
        expect(sumPoints(list)).toBe(list.reduce((a, b) => a + b, 0));
      }),
    );
    expect(() => sumPoints([Number.MAX_SAFE_INTEGER, 1])).toThrow(RangeError);
    expect(() => sumPoints([5, -1])).toThrow(RangeError);
  });
});
