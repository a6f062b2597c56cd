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

describe('a map of three a generation', () => {
  let recent: RecentMap<string, number>;
  const known = () => ['a', 'b', 'c', 'd', 'e', 'f'].filter((key) => peek(recent, key) !== undefined).join('');
  beforeEach(() => {
    recent = new RecentMap(3);
    for (const key of ['a', 'b', 'c', 'd']) recent.set(key, 1);
  });

  test('gives what was set, and nothing for the rest', () => {
    expect(['a', 'd', 'e'].map((key) => recent.get(key))).toEqual([1, 1, undefined]);
  });

  test('forgets the older generation when the newer one is full', () => {
    expect(known()).toBe('abcd');
    recent.set('e', 1);
    expect(known()).toBe('abcde');
    recent.set('f', 1);
    expect(known()).toBe('def');
  });

  test('keeps what was asked for', () => {
    recent.get('a');
    recent.set('e', 1);
    expect(known()).toBe('ade');
  });

  test('asking for what is in the newer generation makes it no fuller', () => {
    for (let time = 0; time < 5; time += 1) recent.get('d');
    recent.set('e', 1);
    expect(known()).toBe('abcde');
  });

  test('a value in place of another counts once', () => {
    for (let value = 2; value < 9; value += 1) recent.set('d', value);
    expect(recent.get('d')).toBe(8);
    expect(known()).toBe('abcd');
  });

  test('what is deleted is gone from both generations and counts no more', () => {
    for (const key of ['a', 'd', 'nobody']) recent.delete(key);
    expect(known()).toBe('bc');
    for (const key of ['e', 'f']) recent.set(key, 1);
    expect(known()).toBe('bcef');
    recent.set('d', 1);
    expect(known()).toBe('def');
  });
});

test('clear forgets everything', () => {
  const recent = new RecentMap<string, number>(2);
  for (const key of ['a', 'b', 'c']) recent.set(key, 1);
  recent.clear();
  expect(['a', 'b', 'c'].map((key) => recent.get(key))).toEqual([undefined, undefined, undefined]);
});

interface Inside<K> {
  readonly newer: Map<K, number>;
  readonly older: Map<K, number>;
}

/** Without counting as a use. */
function peek<K>(recent: RecentMap<K, number>, key: K): number | undefined {
  const { newer, older } = recent as unknown as Inside<K>;
  return newer.get(key) ?? older.get(key);
}

function total(recent: RecentMap<number, number>): number {
  const { newer, older } = recent as unknown as Inside<number>;
  return [...newer.values(), ...older.values()].reduce((sum, value) => sum + value, 0);
}
