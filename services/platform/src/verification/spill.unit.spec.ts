import { existsSync } from 'node:fs';
import { MemoryEventLog } from '@tsunagu/event-store/memory';
import { leaseRests } from './lease-rests.js';
import { RecentAccounts } from './recent-accounts.js';
import type { Read } from './scan.js';
import { Spill } from './spill.js';

describe('values put aside on the disk', () => {
  it('come back by key, in the order in which they were put, and leave nothing behind', async () => {
    const spill = new Spill<[string, number]>(500_000);
    for (let n = 0; n < 20_000; n += 1) {
      spill.put(`key ${n % 100}`, [`key ${n % 100}`, n]);
      await spill.settle();
    }
    const bucketOf = new Map<string, number>();
    const last = new Map<string, number>();
    let count = 0;
    let buckets = 0;
    for await (const bucket of spill.buckets()) {
      for (const [key, n] of bucket) {
        expect(bucketOf.get(key) ?? buckets).toBe(buckets);
        expect(last.get(key) ?? -1).toBeLessThan(n);
        bucketOf.set(key, buckets);
        last.set(key, n);
        count += 1;
      }
      buckets += 1;
    }
    expect({ count, buckets, keys: last.size }).toEqual({ count: 20_000, buckets: spill.size, keys: 100 });
    expect(spill.size).toBe(13);
    spill.close();
    expect(existsSync(spill.directory)).toBe(false);
  });
});

const event = (
  position: number,
  type: string,
  stream: string,
  revision: number,
  data: object,
  request = `r${position}`,
) => ({ position, type, stream, revision, data, requestId: request }) as unknown as Read;

it('tells what a lease had left before the draw of each request', () => {
  const told: [number, number | undefined][] = [];
  const rests = leaseRests(({ position }, restPoints) => told.push([position, restPoints]));
  rests.take(event(1, 'LeaseOpened', 'fundLease-1', 0, { leaseId: '1', points: 100 }));
  rests.take(event(2, 'PointsGranted', 'account-p', 0, {}, 'a'));
  rests.take(event(3, 'FundDrawn', 'fundLease-1', 1, { leaseId: '1', points: 30 }, 'a'));
  rests.take(event(4, 'PointsGranted', 'account-q', 0, {}, 'b'));
  rests.take(event(5, 'FundDrawn', 'fundLease-1', 2, { leaseId: '1', points: 50 }, 'b'));
  rests.take(event(6, 'GrantRefused', 'account-r', 0, {}));
  rests.end();
  expect(told).toEqual([
    [1, undefined],
    [2, 100],
    [3, 100],
    [4, 70],
    [5, 70],
    [6, undefined],
  ]);
});

it('knows an account again that it had forgotten, as it stood before the events that come', async () => {
  const grant = (position: number, revision: number, claimId: string) =>
    event(position, 'PointsGranted', 'account-p', revision, { claimId, measureId: claimId, amountPoints: 1 });
  const recorded = [grant(1, 0, 'a'), grant(2, 1, 'b'), grant(9, 2, 'c')];
  const log = new MemoryEventLog({ now: () => 0 });
  const recent = new RecentAccounts(
    Object.assign(Object.create(log), { readStreams: async () => new Map([['account-p', recorded]]) }),
    0,
  );
  await recent.prepare([grant(9, 2, 'c')]);
  expect([...(recent.get('account-p')?.claims.keys() ?? [])]).toEqual(['a', 'b']);
  await recent.prepare([event(10, 'PointsGranted', 'account-q', 0, {})]);
  expect(recent.get('account-p')).toBeUndefined();
});
