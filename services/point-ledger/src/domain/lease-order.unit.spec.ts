import type { FundEvent } from './fund.js';
import type { LeaseEvent } from './lease.js';
import { leaseOrder } from './lease-order.js';

const terms = { fundId: 'fund', ownerId: 'demo', name: 'fund', fiscalYear: 2026, budgetCode: null, dryRun: false };
const committed: FundEvent = { type: 'FundCommitted', data: { ...terms, amountPoints: 1_000 } };
const leased = (leaseId: string): FundEvent => ({
  type: 'FundLeased',
  data: { fundId: 'fund', leaseId, slot: 0, points: 100 },
});
const opened = (leaseId: string): LeaseEvent => ({
  type: 'LeaseOpened',
  data: { leaseId, fundId: 'fund', slot: 0, points: 100 },
});
const drawn = (leaseId: string): LeaseEvent => ({
  type: 'FundDrawn',
  data: { leaseId, fundId: 'fund', points: 10, grants: 1 },
});
const closed = (leaseId: string): LeaseEvent => ({
  type: 'LeaseClosed',
  data: { leaseId, fundId: 'fund', restPoints: 90 },
});
const returned = (leaseId: string): FundEvent => ({
  type: 'FundReturned',
  data: { fundId: 'fund', leaseId, points: 90 },
});

function after(...events: readonly (FundEvent | LeaseEvent)[]) {
  const order = leaseOrder();
  for (const event of events) order.take(event);
  return (event: FundEvent | LeaseEvent) => order.mayCome(event);
}

it('lets the life of a lease come in its order', () => {
  const life = [committed, leased('a'), opened('a'), drawn('a'), closed('a'), returned('a')];
  life.forEach((event, index) => {
    expect(after(...life.slice(0, index))(event)).toBe(true);
  });
});

it.each<[string, readonly (FundEvent | LeaseEvent)[], FundEvent | LeaseEvent]>([
  ['opened before the fund leased it', [committed, leased('b'), opened('b')], opened('a')],
  ['opened because its own stream speaks of it', [drawn('a'), closed('a')], opened('a')],
  ['back before it was closed', [leased('a'), opened('a'), drawn('a'), leased('b'), closed('b')], returned('a')],
  ['opened again once it is back', [leased('a'), opened('a'), closed('a'), returned('a')], opened('a')],
  ['back a second time', [leased('a'), opened('a'), closed('a'), returned('a')], returned('a')],
])('keeps a lease from being %s', (_, before, event) => {
  expect(after(...before)(event)).toBe(false);
});

it('keeps nothing else waiting, whatever came before', () => {
  for (const event of [committed, leased('a'), drawn('a'), closed('a')]) expect(after()(event)).toBe(true);
});
