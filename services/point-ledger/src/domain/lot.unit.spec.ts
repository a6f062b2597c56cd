import type { DataOf } from '@tsunagu/contracts';
import { granted, now } from './builders.js';
import { blockedReason, bySoonestExpiry, changedLots, isPastExpiry, type Lot, moved, newLot } from './lot.js';

const earlier = '2026-11-20T00:59:59.999Z';
const later = '2026-11-20T01:00:00.001Z';
const reversal = { reversalId: 'reversal', reasonPattern: 'fraud' };

const lotWith = (overrides: Partial<Lot> = {}): Lot => ({
  ...newLot(granted().data as DataOf<'PointsGranted'>),
  ...overrides,
});

describe('a lot', () => {
  it.each<[string, Partial<Lot>, string | undefined]>([
    ['has no end and no beginning', {}, undefined],
    ['ends after this moment', { expiresAt: later }, undefined],
    ['ends at this very moment', { expiresAt: now }, 'expired'],
    ['ended before', { expiresAt: earlier }, 'expired'],
    ['is usable from this very moment', { usableFrom: now }, undefined],
    ['is usable only later', { usableFrom: later }, 'not_usable_yet'],
    ['was taken back', { reversal }, 'reversed'],
    ['is of a trial', { dryRun: true }, 'dry_run'],
    ['is of a trial before all else', { dryRun: true, expiresAt: earlier, reversal }, 'dry_run'],
    ['is expired before it is reversed', { expiresAt: earlier, reversal }, 'expired'],
    ['is reversed before it waits', { usableFrom: later, reversal }, 'reversed'],
  ])('that %s: what keeps it from use', (_, overrides, reason) => {
    expect(blockedReason(lotWith(overrides), now)).toBe(reason);
    expect(isPastExpiry(lotWith(overrides), now)).toBe((overrides.expiresAt ?? later) !== later);
  });

  it('that expires first is used first, one without an end last, the older first among equals', () => {
    const lots = [
      lotWith({ lotId: 'never' }),
      lotWith({ lotId: 'never, granted later' }),
      lotWith({ lotId: 'later', expiresAt: later }),
      lotWith({ lotId: 'first', expiresAt: earlier }),
      lotWith({ lotId: 'first, granted later', expiresAt: earlier }),
    ];
    expect(lots.toSorted(bySoonestExpiry).map(({ lotId }) => lotId)).toEqual([
      'first',
      'first, granted later',
      'later',
      'never',
      'never, granted later',
    ]);
  });

  it('never gives more than lies at the place that it gives from', () => {
    const held = moved(lotWith(), 600, 'available', 'held');
    expect(held).toMatchObject({ availablePoints: 400, heldPoints: 600, amountPoints: 1_000 });
    expect(() => moved(held, 401, 'available', 'expired')).toThrow('not a number of points: -1');
  });
});

describe('lots that are changed', () => {
  const lots = ['a', 'b', 'c'].map((lotId) => lotWith({ lotId }));
  const expire = (lot: Lot, points: number) => moved(lot, points, 'available', 'expired');

  it('are those that are named, and all others stay the same objects', () => {
    const after = changedLots(
      lots,
      [
        { lotId: 'c', points: 3 },
        { lotId: 'a', points: 1 },
      ],
      expire,
    );
    expect([...after].map(({ expiredPoints }) => expiredPoints)).toEqual([1, 0, 3]);
    expect(after.at(1)).toBe(lots[1]);
  });

  it('are on the account: others are told by name', () => {
    const strange = ['y', 'b', 'z'].map((lotId) => ({ lotId, points: 1 }));
    expect(() => changedLots(lots, strange, expire)).toThrow('no such lot on this account: y, z');
  });
});
