import { expiryOf } from './expiry.js';

const never = { pointsExpireAt: null, pointsExpireAfterMonths: null };

it.each([
  // The day in Japan counts: 20 November 10:00 there.
  ['2026-11-20T01:00:00.000Z', 6, '2027-05-20T15:00:00.000Z'],
  // 23:59 in Japan and one minute later are two days.
  ['2026-11-20T14:59:00.000Z', 1, '2026-12-20T15:00:00.000Z'],
  ['2026-11-20T15:00:00.000Z', 1, '2026-12-21T15:00:00.000Z'],
  // A month without that day ends on its last.
  ['2026-08-31T00:00:00.000Z', 6, '2027-02-28T15:00:00.000Z'],
  ['2027-08-31T00:00:00.000Z', 6, '2028-02-29T15:00:00.000Z'],
  ['2026-11-20T01:00:00.000Z', 1_200, '2126-11-20T15:00:00.000Z'],
])('granted at %s for %i months ends at %s', (grantedAt, pointsExpireAfterMonths, expiresAt) => {
  expect(expiryOf({ ...never, pointsExpireAfterMonths }, grantedAt)).toBe(expiresAt);
});

it('does not depend on what was asked just before', () => {
  const instants = [
    '2026-11-20T14:59:59.999Z',
    '2026-11-20T15:00:00.000Z',
    '2026-11-20T14:59:59.999Z',
    '2026-11-19T15:00:00.000Z',
    '2026-11-19T14:59:59.999Z',
    '2026-11-20T01:00:00.000Z',
  ];
  const afterOneMonth = (grantedAt: string) => expiryOf({ ...never, pointsExpireAfterMonths: 1 }, grantedAt);
  expect(instants.map(afterOneMonth)).toEqual([
    '2026-12-20T15:00:00.000Z',
    '2026-12-21T15:00:00.000Z',
    '2026-12-20T15:00:00.000Z',
    '2026-12-20T15:00:00.000Z',
    '2026-12-19T15:00:00.000Z',
    '2026-12-20T15:00:00.000Z',
  ]);
  expect(expiryOf({ ...never, pointsExpireAfterMonths: 2 }, '2026-11-20T01:00:00.000Z')).toBe(
    '2027-01-20T15:00:00.000Z',
  );
});

it('ends at a fixed time, in UTC, or never', () => {
  const grantedAt = '2026-11-20T01:00:00.000Z';
  expect(expiryOf({ ...never, pointsExpireAt: '2027-04-01T00:00:00+09:00' }, grantedAt)).toBe(
    '2027-03-31T15:00:00.000Z',
  );
  expect(expiryOf(never, grantedAt)).toBeNull();
});
