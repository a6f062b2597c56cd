import { EventVersions, UnknownVersion } from './event-versions.js';

const versions = new EventVersions(
  {
    Moved: [
      (data: { km: number }) => ({ metres: data.km * 1_000 }),
      (data: { metres: number }) => ({ ...data, by: 'foot' }),
    ],
  },
  { Rested: [] },
);
const event = (type: string, schemaVersion: number, data: object) => ({ type, schemaVersion, data, position: 7 });

describe('an event', () => {
  it('in an older version is brought to the newest, step by step, and keeps the rest', () => {
    const newest = { type: 'Moved', schemaVersion: 3, data: { metres: 2_000, by: 'foot' }, position: 7 };
    expect(versions.upcast(event('Moved', 1, { km: 2 }))).toEqual(newest);
    expect(versions.upcast(event('Moved', 2, { metres: 2_000 }))).toEqual(newest);
  });

  it('is left as it was recorded', () => {
    const recorded = event('Moved', 1, { km: 2 });
    versions.upcast(recorded);
    expect(recorded).toEqual(event('Moved', 1, { km: 2 }));
  });

  it('in the newest version is given back itself', () => {
    for (const current of [event('Moved', 3, {}), event('Rested', 1, {}), event('Unheard', 1, {})]) {
      expect(versions.upcast(current)).toBe(current);
    }
  });

  it('in a version newer than known is refused, saying which', () => {
    expect(() => versions.upcast(event('Moved', 4, {}))).toThrow(UnknownVersion);
    expect(() => versions.upcast(event('Moved', 4, {}))).toThrow(
      expect.objectContaining({ name: 'UnknownVersion', code: 'event.version_unknown' }),
    );
    expect(() => versions.upcast(event('Rested', 2, {}))).toThrow(
      'Rested is recorded in version 2, and this release knows it up to version 1',
    );
  });
});

it('the newest version of a type is one more than its steps', () => {
  expect(['Moved', 'Rested', 'Unheard'].map((type) => versions.newest(type))).toEqual([3, 1, 1]);
});
