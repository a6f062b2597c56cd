import fc from 'fast-check';
import { derivedId, idFromScope, isId, newId, timeOfId } from './ids.js';

const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const version = (id: string) => id[14];

describe('ids', () => {
  test('a new id is a UUIDv7 that carries its time', () => {
    fc.assert(
      fc.property(times, (ms) => {
        const id = newId(ms);
        expect(isId(id)).toBe(true);
        expect(version(id)).toBe('7');
        expect(timeOfId(id)).toBe(ms);
      }),
    );
  });

  test('ids made in time order sort in time order, within a millisecond too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_005 }), { minLength: 2 }),
        (list) => {
          const ids = list.sort((a, b) => a - b).map((ms) => newId(ms));
          expect([...ids].sort()).toEqual(ids);
          expect(new Set(ids).size).toBe(ids.length);
        },
      ),
    );
  });

  test('a millisecond counts its ids from 0', () => {
    const ids = [7_000, 7_000, 7_000, 7_001, 7_001].map(newId);
    expect(ids.map((id) => id.slice(15, 18))).toEqual(['000', '001', '002', '000', '001']);
  });

  test('the random bits of many ids are all different', () => {
    const tails = Array.from({ length: 1_500 }, (_, index) => newId(8_000 + index).slice(19));
    expect(new Set(tails).size).toBe(tails.length);
  });

  test('a time that fits no 48 bits is refused', () => {
    for (const ms of [-1, 2 ** 48, 1.5, Number.NaN])
      expect(() => newId(ms)).toThrow(new RangeError(`not a millisecond time: ${ms}`));
    expect(timeOfId(newId(2 ** 48 - 1))).toBe(2 ** 48 - 1);
  });

  test('the same purpose and cause give the same UUIDv8 with the time of the cause', () => {
    fc.assert(
      fc.property(times, fc.string(), (ms, purpose) => {
        const cause = newId(ms);
        const id = derivedId(purpose, cause);
        expect(derivedId(purpose, cause)).toBe(id);
        expect(isId(id)).toBe(true);
        expect(version(id)).toBe('8');
        expect(timeOfId(id)).toBe(ms);
      }),
    );
  });

  test('another purpose or another cause gives another id', () => {
    fc.assert(
      fc.property(times, fc.string(), fc.string(), (ms, one, other) => {
        fc.pre(one !== other);
        const cause = newId(ms);
        expect(derivedId(one, cause)).not.toBe(derivedId(other, cause));
        expect(derivedId(one, cause)).not.toBe(derivedId(one, newId(ms)));
      }),
    );
  });

  test('an id derived from a derived id keeps the first time', () => {
    const cause = newId(1_763_600_000_000);
    expect(timeOfId(derivedId('b', derivedId('a', cause)))).toBe(1_763_600_000_000);
  });

  test('a scope always gives the same id', () => {
    expect(idFromScope('demo')).toBe(idFromScope('demo'));
    expect(idFromScope('demo')).not.toBe(idFromScope('demO'));
    expect(isId(idFromScope(''))).toBe(true);
    expect(version(idFromScope(''))).toBe('8');
  });

  test('an id of a scope comes before every id that carries a time since 1971', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: Date.UTC(1971), max: 2 ** 48 - 1 }), (scope, ms) => {
        const id = newId(ms);
        expect(idFromScope(scope) < id && derivedId('of', idFromScope(scope)) < derivedId('of', id)).toBe(true);
      }),
    );
  });

  test.each(['', 'x', '019AB3F0-6C00-7000-8000-000000000001', '019ab3f0-6c00-7000-c000-000000000001', 7, null])(
    '%p is no id',
    (text) => expect(isId(text)).toBe(false),
  );

  test('what only reads like an id as a text is none', () => {
    expect(isId(['019ab3f0-6c00-7000-8000-000000000001'])).toBe(false);
  });
});
