import { jest } from '@jest/globals';
import fc from 'fast-check';
import { GrownList } from './grown-list.js';

it('is what a copied array would be, from whichever of its past states it grows', () => {
  // Each step grows one of the lists there are: the newest, or one that others have grown from.
  const step = fc.record({ from: fc.nat(40), value: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const states = [{ list: GrownList.from<number>([]), copy: [] as readonly number[] }];
      for (const { from, value } of steps) {
        const before = states[from % 2 === 0 ? states.length - 1 : from % states.length];
        if (!before) throw new Error('no state');
        states.push({ list: before.list.with(value), copy: [...before.copy, value] });
      }
      for (const { list, copy } of states) {
        expect([...list]).toEqual(copy);
        expect(list.length).toBe(copy.length);
        for (let index = 0; index <= copy.length; index += 1) expect(list.at(index)).toBe(copy[index]);
      }
    }),
  );
});

it('does not notice what becomes of the values it was made from', () => {
  const values = ['a', 'b'];
  const list = GrownList.from(values);
  values.push('c');
  expect([...list]).toEqual(['a', 'b']);
});

it('grows by one value, and copies only where another grew from the same list', () => {
  const added = jest.spyOn(Array.prototype, 'push');
  const first = GrownList.from(['a']);
  const second = first.with('b');
  expect(added).toHaveBeenCalledTimes(1);
  const other = first.with('c');
  expect(added).toHaveBeenCalledTimes(1);
  added.mockRestore();
  expect([[...first], [...second], [...other]]).toEqual([['a'], ['a', 'b'], ['a', 'c']]);
});
