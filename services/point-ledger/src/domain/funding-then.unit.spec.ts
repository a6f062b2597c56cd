import type { FundEvent } from './fund.js';
import { followFunding, fundingFrom } from './funding-then.js';
import type { LeaseEvent } from './lease.js';

const terms = { ownerId: 'demo', name: 'fund', fiscalYear: 2026, budgetCode: null, dryRun: false };
const committed: FundEvent = { type: 'FundCommitted', data: { fundId: 'fund', ...terms, amountPoints: 5_000 } };
const leased = (leaseId: string): FundEvent => ({
  type: 'FundLeased',
  data: { fundId: 'fund', leaseId, slot: 0, points: 2_000 },
});
const opened: LeaseEvent = { type: 'LeaseOpened', data: { leaseId: 'a', fundId: 'fund', slot: 0, points: 2_000 } };
const drawn: LeaseEvent = { type: 'FundDrawn', data: { leaseId: 'a', fundId: 'fund', points: 700, grants: 1 } };
const closed: LeaseEvent = { type: 'LeaseClosed', data: { leaseId: 'a', fundId: 'fund', restPoints: 600 } };
const returned: FundEvent = { type: 'FundReturned', data: { fundId: 'fund', leaseId: 'a', points: 600 } };

function followed(events: readonly (FundEvent | LeaseEvent)[]) {
  const funding = followFunding();
  const revisions = new Map<string, number>();
  events.forEach((event, index) => {
    const stream = event.type.startsWith('Fund') && event.type !== 'FundDrawn' ? 'fund-fund' : 'fundLease-a';
    const revision = (revisions.get(stream) ?? -1) + 1;
    revisions.set(stream, revision);
    funding.take({ ...event, stream, revision, requestId: `request ${index}` });
  });
  return funding;
}

it('knows what a lease had before the draw of the request taken last, and of no other', () => {
  const funding = followed([committed, leased('a'), opened, drawn, drawn]);
  expect(funding.restDrawn('request 4', 'fund')).toBe(1_300);
  expect(funding.restDrawn('request 4', 'another')).toBe(0);
  expect(funding.restDrawn('request 3', 'fund')).toBe(0);
});

it('knows a lease where it stands while it is out, and leaves other revisions to who can read them', () => {
  const out = followed([committed, leased('a'), opened, drawn]);
  expect(out.restAt({ stream: 'fundLease-a', revision: 1 })).toBe(1_300);
  expect(out.restAt({ stream: 'fundLease-a', revision: 0 })).toBeUndefined();
  const back = followed([committed, leased('a'), opened, drawn, drawn, closed, returned]);
  expect(back.restAt({ stream: 'fundLease-a', revision: 3 })).toBeUndefined();
});

it('knows a fund at every revision, and how it ended for a decision that names none', () => {
  const funding = followed([committed, leased('a'), opened, leased('b'), drawn, drawn, closed, returned]);
  const at = (revision: number) => funding.fundAsRead('fund', { reads: { 'fund-fund': revision } });
  expect(at(-1)).toBeUndefined();
  expect(at(0)).toMatchObject({ unleasedPoints: 5_000, leaseStreams: [] });
  expect(at(2)).toMatchObject({ unleasedPoints: 1_000, leaseStreams: ['fundLease-a', 'fundLease-b'] });
  expect(at(3)).toMatchObject({ unleasedPoints: 1_600, leaseStreams: ['fundLease-b'] });
  expect(at(9)).toEqual(at(3));
  expect(funding.fundAsRead('fund', {})).toEqual(at(3));
  expect(funding.fundAsRead('another', {})).toBeUndefined();
});

it('passes over an event that cannot follow', () => {
  const funding = followed([committed, leased('a'), returned, returned, opened, opened, drawn]);
  expect(funding.fundAsRead('fund', {})).toMatchObject({ unleasedPoints: 3_600 });
  expect(funding.restAt({ stream: 'fundLease-a', revision: 2 })).toBe(1_300);
});

it('a refusal waits for leases of others, not for its own', () => {
  const fund = { ownerId: 'demo', dryRun: false, unleasedPoints: 3, leaseStreams: ['fundLease-a'] };
  const refused = (stream: string) => fundingFrom(fund, { type: 'GrantRefused', reads: { [stream]: 4 } }, 7);
  expect(refused('fundLease-a')).toMatchObject({ restPoints: 7, elsewhere: { unleasedPoints: 3, othersOpen: false } });
  expect(refused('fundLease-b')).toMatchObject({ elsewhere: { othersOpen: true } });
  expect(fundingFrom(fund, { type: 'PointsGranted' }, 7)).toMatchObject({ restPoints: 7, elsewhere: undefined });
  expect(fundingFrom(undefined, { type: 'PointsGranted' }, 7)).toEqual({ known: false });
});
