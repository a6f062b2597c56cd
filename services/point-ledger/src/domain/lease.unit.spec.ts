import { derivedId } from '@tsunagu/kernel';
import { foldLease, type LeaseEvent, leaseIds, leaseLog, leaseStream } from './lease.js';

const leaseId = '019ab3f0-6c00-7000-8000-0000000000f1';

const opened = (points: number): LeaseEvent => ({
  type: 'LeaseOpened',
  data: { leaseId: 'a', fundId: 'fund', slot: 3, points },
});
const drawn = (points: number): LeaseEvent => ({
  type: 'FundDrawn',
  data: { leaseId: 'a', fundId: 'fund', points, grants: 1 },
});
const closed = (restPoints: number): LeaseEvent => ({
  type: 'LeaseClosed',
  data: { leaseId: 'a', fundId: 'fund', restPoints },
});

it('knows what was drawn of it and what is left, and keeps that when it is closed', () => {
  const lease = { leaseId: 'a', fundId: 'fund', points: 100, drawnPoints: 70, restPoints: 30, open: true };
  expect(foldLease([])).toBeUndefined();
  expect(foldLease([opened(100), drawn(60), drawn(10)])).toEqual(lease);
  expect(foldLease([opened(100), drawn(60), drawn(10), closed(30)])).toEqual({ ...lease, open: false });
});

it.each<[string, readonly LeaseEvent[], string]>([
  ['opened a second time', [opened(100), opened(100)], 'lease a opened twice'],
  ['drawn before it was opened', [drawn(1)], 'lease a is not open'],
  ['closed before it was opened', [closed(0)], 'lease a is not open'],
  ['drawn after it was closed', [opened(100), closed(100), drawn(1)], 'lease a is not open'],
  ['closed a second time', [opened(100), closed(100), closed(100)], 'lease a is not open'],
  ['closed with another rest than it has', [opened(100), drawn(10), closed(100)], 'lease a closed with a wrong rest'],
])('says which lease was %s', (_, events, message) => {
  expect(() => foldLease(events)).toThrow(message);
});

it('has a stream that says its log, unless that is log 0', () => {
  expect(leaseStream({ leaseId })).toBe(`fundLease-${leaseId}`);
  expect(leaseStream({ leaseId, log: 0 })).toBe(`fundLease-${leaseId}`);
  for (const log of [1, 9, 10, 42, 100, 255]) {
    expect(leaseStream({ leaseId, log })).toBe(`fundLease-${log}+${leaseId}`);
    expect(leaseLog(leaseStream({ leaseId, log }))).toBe(log);
  }
});

it.each([
  `fundLease-${leaseId}`,
  `fundLease-0+${leaseId}`,
  `fundLease-1000+${leaseId}`,
  `fundLease-1x+${leaseId}`,
  `copy of fundLease-7+${leaseId}`,
  'fund-fund',
])('lies in log 0 by any other name, such as %s', (stream) => {
  expect(leaseLog(stream)).toBe(0);
});

it('has ids for its steps that a log keeps for ever', () => {
  const claim = '019ab3f0-6c00-7000-8000-0000000000c1';
  expect(leaseIds.opened(leaseId)).toBe(derivedId('LeaseOpened', leaseId));
  expect(leaseIds.closed(leaseId)).toBe(derivedId('LeaseClosed', leaseId));
  expect(leaseIds.returned(leaseId)).toBe(derivedId('FundReturned', leaseId));
  expect(leaseIds.drawn(leaseId, claim)).toBe(derivedId(`FundDrawn ${leaseId}`, claim));
});
