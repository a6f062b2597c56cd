import fc from 'fast-check';
import { RecentMap } from './recent-map.js';

test('what was used within a generation is known; more than two generations are never kept', () => {
  const key = fc.nat({ max: 30 });
  const act = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), key, value: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant('get' as const), key }),
    fc.record({ kind: fc.constant('delete' as const), key }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const recent = new RecentMap<number, number>(20, (value) => value);
      const all = new Map<number, number>();
      let used: number[] = [];
      for (const one of acts) {
        used = used.filter((each) => each !== one.key);
        if (one.kind === 'set') {
          recent.set(one.key, one.value);
          all.set(one.key, one.value);
          used.push(one.key);
        } else if (one.kind === 'delete') {
          recent.delete(one.key);
          all.delete(one.key);
        } else {
          const found = recent.get(one.key);
          if (found !== undefined) expect(found).toBe(all.get(one.key));
          if (found !== undefined) used.push(one.key);
          else all.delete(one.key);
        }
        // The last ones used, together lighter than a generation, are all there.
        let weight = 0;
        for (const last of used.toReversed()) {
          weight += all.get(last) ?? 0;
          if (weight >= 20) break;
          expect(peek(recent, last)).toBe(all.get(last));
        }
        expect(total(recent)).toBeLessThan(2 * (20 + 5));
      }
    }),
  );
});

test('clear forgets everything', () => {
  const recent = new RecentMap<string, number>(2);
  for (const key of ['a', 'b', 'c']) recent.set(key, 1);
  recent.clear();
  expect(['a', 'b', 'c'].map((key) => recent.get(key))).toEqual([undefined, undefined, undefined]);
});

interface Inside {
  readonly newer: Map<number, number>;
  readonly older: Map<number, number>;
}

/** Without counting as a use. */
function peek(recent: RecentMap<number, number>, key: number): number | undefined {
  const { newer, older } = recent as unknown as Inside;
  return newer.get(key) ?? older.get(key);
}

function total(recent: RecentMap<number, number>): number {
  const { newer, older } = recent as unknown as Inside;
  return [...newer.values(), ...older.values()].reduce((sum, value) => sum + value, 0);
}
