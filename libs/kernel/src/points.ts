/** Whole points, 1 point = 1 yen, 0 ≤ n ≤ 2^53 − 1. Only `points()` and the sums below make one. */
export type Points = number & { readonly __brand: 'Points' };

/** Checks and brands. Throws RangeError for anything but a safe integer ≥ 0. */
export function points(value: number): Points {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a number of points: ${value}`);
  return value as Points;
}

export const zeroPoints = points(0);

/** a + b, checked. */
export function addPoints(a: number, b: number): Points {
  return points(points(a) + points(b));
}

/** a − b, checked: taking more than there is throws, so a caller compares first. */
export function subtractPoints(a: number, b: number): Points {
  return points(points(a) - points(b));
}

/** The checked sum of many. */
export function sumPoints(values: Iterable<number>): Points {
  let total = zeroPoints;
  for (const value of values) total = addPoints(total, value);
  return total;
}
