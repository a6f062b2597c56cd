import { jest } from '@jest/globals';
import fc from 'fast-check';
import { GrownMap } from './grown-map.js';

it('is what a copied Map would be, from whichever of its past states it grows', () => {
  // Each step grows one of the maps there are: the newest, or one that others have grown from.
  const step = fc.record({ from: fc.nat(40), key: fc.nat(12), value: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const states = [{ map: GrownMap.from<number, number>([]), copy: new Map<number, number>() }];
      for (const { from, key, value } of steps) {
        const before = states[from % 2 === 0 ? states.length - 1 : from % states.length];
        if (!before) throw new Error('no state');
        states.push({ map: before.map.with(key, value), copy: new Map(before.copy).set(key, value) });
      }
      for (const { map, copy } of states) {
        expect([...map]).toEqual([...copy]);
        expect([[...map.keys()], [...map.values()], map.size]).toEqual([
          [...copy.keys()],
          [...copy.values()],
          copy.size,
        ]);
        for (let key = 0; key <= 12; key += 1) {
          expect([map.get(key), map.has(key)]).toEqual([copy.get(key), copy.has(key)]);
        }
        const seen: [number, number][] = [];
        map.forEach((value, key) => {
          seen.push([key, value]);
        });
        expect(seen).toEqual([...copy]);
      }
    }),
  );
});

it('keeps the last value of a key given twice, in the place of the first', () => {
  const map = GrownMap.from([
    ['a', 1],
    ['b', 2],
    ['a', 3],
  ]);
  expect([...map.with('c', 4)]).toEqual([
    ['a', 3],
    ['b', 2],
    ['c', 4],
  ]);
});

it('grows by one entry a new key, and copies only where another grew from the same map or the key is known', () => {
  const added = jest.spyOn(Array.prototype, 'push');
  // A key and a value each.
  const entriesAdded = (grow: () => unknown) => {
    added.mockClear();
    grow();
    return added.mock.calls.length / 2;
  };
  let map = GrownMap.from<number, string>([[-1, 'value']]);
  const before = Array.from({ length: 20 }, (_, key) => {
    const last = map;
    expect(entriesAdded(() => (map = map.with(key, 'value')))).toBe(1);
    return last;
  });
  expect(entriesAdded(() => map.with(3, 'another value'))).toBe(21);
  expect(entriesAdded(() => before[4]?.with(30, 'value'))).toBe(6);
  added.mockRestore();
});
