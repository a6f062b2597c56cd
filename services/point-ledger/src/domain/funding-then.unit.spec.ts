import type { FundEvent } from './fund.js';
import { followFunding, fundingFrom, leaseReadBy } from './funding-then.js';
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
const lowered: FundEvent = {
  type: 'FundLowered',
  data: { fundId: 'fund', ownerId: 'demo', dryRun: false, points: 1_000, reason: 'lowered', toFundId: null },
};
const of = <E extends FundEvent | LeaseEvent>(event: E, ids: { fundId?: string; leaseId?: string }): E => ({
  ...event,
  data: { ...event.data, ...ids },
});

const leaseTypes = new Set(['LeaseOpened', 'FundDrawn', 'LeaseClosed']);

/** Each event is one append request; each list too. */
function followed(requests: readonly (FundEvent | LeaseEvent | readonly (FundEvent | LeaseEvent)[])[]) {
  const funding = followFunding();
  const revisions = new Map<string, number>();
  requests.forEach((events, index) => {
    for (const event of [events].flat()) {
      const { fundId, leaseId } = event.data as { fundId: string; leaseId?: string };
      const stream = leaseTypes.has(event.type) ? `fundLease-${leaseId}` : `fund-${fundId}`;
      const revision = (revisions.get(stream) ?? -1) + 1;
      revisions.set(stream, revision);
      funding.take({ ...event, stream, revision, requestId: `request ${index}` });
    }
  });
  return funding;
}

it('knows what a lease had before the draw of the request taken last, and of no other', () => {
  const funding = followed([committed, leased('a'), opened, drawn, drawn]);
  expect(funding.restDrawn('request 4', 'fund')).toBe(1_300);
  expect(funding.restDrawn('request 4', 'another')).toBe(0);
  expect(funding.restDrawn('request 3', 'fund')).toBe(0);
});

it('knows nothing drawn before the first draw', () => {
  expect(followed([committed, leased('a'), opened]).restDrawn('request 2', 'fund')).toBe(0);
});

it('knows what each fund had before a request that draws several times', () => {
  const other = { fundId: 'other', leaseId: 'b' };
  const draws = [drawn, of(drawn, other), drawn];
  const funding = followed([committed, leased('a'), opened, of(opened, other), draws]);
  expect(funding.restDrawn('request 4', 'fund')).toBe(2_000);
  expect(funding.restDrawn('request 4', 'other')).toBe(2_000);
});

it('knows what was drawn until the next draw, whatever else happens to leases', () => {
  const funding = followed([committed, leased('a'), leased('b'), opened, drawn, of(opened, { leaseId: 'b' })]);
  expect(funding.restDrawn('request 4', 'fund')).toBe(2_000);
});

it('knows a lease where it stands while it is out, and leaves other revisions to who can read them', () => {
  const out = followed([committed, leased('a'), opened, drawn]);
  expect(out.restAt({ stream: 'fundLease-a', revision: 1 })).toBe(1_300);
  expect(out.restAt({ stream: 'fundLease-a', revision: 0 })).toBeUndefined();
  const back = followed([committed, leased('a'), opened, drawn, drawn, closed, returned]);
  expect(back.restAt({ stream: 'fundLease-a', revision: 3 })).toBeUndefined();
  const closing = followed([committed, leased('a'), opened, drawn, drawn, closed]);
  expect(closing.restAt({ stream: 'fundLease-a', revision: 3 })).toBe(600);
  expect(closing.restAt({ stream: 'fundLease-a', revision: 2 })).toBeUndefined();
});

it('forgets a lease when that lease comes back, and no other one', () => {
  const b = { leaseId: 'b' };
  const out = [committed, leased('a'), leased('b'), opened, of(opened, b), drawn, drawn, closed];
  const restOfB = (...more: readonly FundEvent[]) =>
    followed([...out, ...more]).restAt({ stream: 'fundLease-b', revision: 0 });
  expect(restOfB(returned)).toBe(2_000);
  expect(restOfB(committed, leased('c'), leased('b'))).toBe(2_000);
  expect(restOfB(of(returned, b))).toBeUndefined();
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

it('knows a fund that was lowered', () => {
  expect(followed([committed, lowered]).fundAsRead('fund', {})).toMatchObject({ unleasedPoints: 4_000 });
});

it('takes the last revision before the one that was read, where that one is gone from the log', () => {
  const funding = followFunding();
  [0, 1, 4].forEach((revision) => {
    funding.take({ ...committed, stream: 'fund-fund', revision, requestId: `request ${revision}` });
  });
  const unleasedAt = (revision: number) =>
    funding.fundAsRead('fund', { reads: { 'fund-fund': revision } })?.unleasedPoints;
  expect([0, 1, 2, 3, 4, 5].map(unleasedAt)).toEqual([5_000, 10_000, 10_000, 10_000, 15_000, 15_000]);
});

it('passes over an event that cannot follow', () => {
  const funding = followed([committed, leased('a'), returned, returned, opened, opened, drawn]);
  expect(funding.fundAsRead('fund', {})).toMatchObject({ unleasedPoints: 3_600 });
  expect(funding.restAt({ stream: 'fundLease-a', revision: 2 })).toBe(1_300);
});

describe('what a decision had at hand', () => {
  const fund = { ownerId: 'demo', dryRun: false, unleasedPoints: 3, leaseStreams: ['fundLease-a', 'fundLease-b'] };
  const known = { known: true, ownerId: 'demo', dryRun: false, restPoints: 7 };
  const refused = (leaseStreams: readonly string[], reads: Readonly<Record<string, number>> | undefined) =>
    fundingFrom({ ...fund, leaseStreams }, { type: 'GrantRefused', ...(reads && { reads }) }, 7);

  it('is its own lease, for a grant, and nothing where the fund is unknown', () => {
    expect(fundingFrom(fund, { type: 'PointsGranted' }, 7)).toEqual({ ...known, elsewhere: undefined });
    expect(fundingFrom(undefined, { type: 'PointsGranted' }, 7)).toEqual({ known: false });
  });

  it.each<[string, readonly string[], Readonly<Record<string, number>> | undefined, boolean]>([
    ['its own alone', ['fundLease-a'], { 'fundLease-a': 4 }, false],
    ['its own and another', ['fundLease-a', 'fundLease-b'], { 'fundLease-a': 4 }, true],
    ['another', ['fundLease-a'], { 'fundLease-b': 4 }, true],
    ['one, and it read none', ['fundLease-a'], undefined, true],
    ['none', [], { 'fundLease-a': 4 }, false],
  ])(
    'is what else lies in the fund too, for a refusal, and whether leases of others are out: %s',
    (_, out, reads, othersOpen) => {
      expect(refused(out, reads)).toEqual({ ...known, elsewhere: { unleasedPoints: 3, othersOpen } });
    },
  );

  it('names the lease that it read among all that it read', () => {
    expect(leaseReadBy({ reads: { 'fund-fund': 3, 'fundLease-a': 4, 'account-person': 5 } })).toEqual({
      stream: 'fundLease-a',
      revision: 4,
    });
    expect(leaseReadBy({ reads: { 'fund-fund': 3 } })).toBeUndefined();
    expect(leaseReadBy({})).toBeUndefined();
  });
});
