import { granted, now } from './builders.js';
import type { CheckedEvent, Violation } from './checked-event.js';
import { checkFunds } from './fund-check.js';
import type { LedgerEvent } from './postings.js';

const terms = { ownerId: 'demo', name: 'fund', fiscalYear: 2026, budgetCode: null, dryRun: false };
const committed = (amountPoints: number, fundId = 'fund'): LedgerEvent => ({
  type: 'FundCommitted',
  data: { fundId, ...terms, amountPoints },
});
const leased = (points: number, fundId = 'fund'): LedgerEvent => ({
  type: 'FundLeased',
  data: { fundId, leaseId: `lease of ${fundId}`, slot: 0, points },
});
const opened = (points: number, fundId = 'fund'): LedgerEvent => ({
  type: 'LeaseOpened',
  data: { fundId, leaseId: `lease of ${fundId}`, slot: 0, points },
});
const drawn = (points: number, fundId = 'fund'): LedgerEvent => ({
  type: 'FundDrawn',
  data: { fundId, leaseId: `lease of ${fundId}`, points, grants: 1 },
});
const closed = (restPoints: number): LedgerEvent => ({
  type: 'LeaseClosed',
  data: { fundId: 'fund', leaseId: 'lease of fund', restPoints },
});
const returned = (points: number): LedgerEvent => ({
  type: 'FundReturned',
  data: { fundId: 'fund', leaseId: 'lease of fund', points },
});
const expired = (points: number): LedgerEvent => {
  const place = { personId: 'person', lotId: 'lot', fundId: 'fund', ownerId: 'demo', campaignId: 'campaign' };
  return { type: 'PointsExpired', data: { ...place, points, expiresAt: now, dryRun: false } };
};

/** What is found, as `invariant position detail`. Each list is one append request. */
function found(...requests: readonly (readonly LedgerEvent[])[]) {
  const violations: Violation[] = [];
  const check = checkFunds((violation) => void violations.push(violation));
  let position = 0;
  requests.forEach((events, request) => {
    for (const event of events) {
      position += 1;
      const at = { id: `event ${position}`, stream: 'any', position, requestId: `request ${request}` };
      check.take({ ...at, ...event } as CheckedEvent);
    }
  });
  check.end();
  return violations.map(({ invariant, position: at, detail }) => `${invariant} ${at} ${detail}`);
}

const open = [[committed(1_000)], [leased(1_000)], [opened(1_000)]];

it('finds nothing where there is nothing', () => {
  expect(found()).toEqual([]);
});

it('finds nothing in a fund that is granted to the last yen', () => {
  expect(found(...open, [granted(), drawn(1_000)], [closed(0)], [returned(0)])).toEqual([]);
});

it('counts the funds that it met', () => {
  const check = checkFunds(() => undefined);
  const at = { id: 'event', stream: 'any', position: 1, requestId: 'request' };
  for (const event of [committed(1), committed(1), committed(1, 'other')]) check.take({ ...at, ...event });
  expect(check.funds).toBe(2);
});

describe('the figures of a fund', () => {
  it('are judged at the end of each request, so a later one does not make up for an earlier one', () => {
    expect(found(...open, [granted()], [drawn(1_000)])).toEqual([
      'I3 4 fund fund: committed 1000, undrawn 1000, drawn 0, granted 1000',
    ]);
  });

  it('are judged in the requests that touch the fund only', () => {
    expect(found(...open, [drawn(400)], [committed(1, 'other')], [committed(1, 'other')])).toEqual([
      'I3 4 fund fund: committed 1000, undrawn 600, drawn 400, granted 0',
    ]);
  });

  it('say what was granted beyond the commitment', () => {
    expect(found(...open, [granted({ amountPoints: 1_001 }), drawn(1_000)])).toEqual([
      'I4 5 fund fund: granted 1001 of 1000 committed',
      'I3 5 fund fund: committed 1000, undrawn 0, drawn 1000, granted 1001',
    ]);
  });

  it('are nothing for a fund that nobody committed', () => {
    expect(found([granted({ fundId: 'unknown' })])).toEqual([
      'I4 1 fund unknown: granted 1000 of 0 committed',
      'I3 1 fund unknown: committed 0, undrawn 0, drawn 0, granted 1000',
    ]);
  });
});

describe('a lease', () => {
  it.each<[string, readonly (readonly LedgerEvent[])[], readonly string[]]>([
    [
      'of more than the fund leased',
      [[committed(1_000)], [leased(600)], [opened(601)]],
      ['I4 3 lease lease of fund opened with 601 points that the fund did not lease'],
    ],
    [
      'that the fund did not give',
      [[committed(1_000)], [opened(600)]],
      ['I4 2 lease lease of fund opened with 600 points that the fund did not lease'],
    ],
    [
      'of a fund that nobody committed',
      [[opened(600)]],
      ['I4 1 lease lease of fund opened with 600 points that the fund did not lease'],
    ],
    [
      'that is opened again after it came back',
      [...open, [closed(1_000)], [returned(1_000)], [opened(1_000)]],
      ['I4 6 lease lease of fund opened with 1000 points that the fund did not lease'],
    ],
    [
      'that comes back while it is open',
      [...open, [returned(1_000)]],
      ['I3 4 lease lease of fund came back with 1000 points'],
    ],
    [
      'that comes back with more than its rest',
      [...open, [closed(1_000)], [returned(1_001)]],
      ['I3 5 lease lease of fund came back with 1001 points'],
    ],
    [
      'that comes back and was never opened',
      [[committed(1_000)], [leased(1_000)], [returned(1_000)]],
      ['I3 3 lease lease of fund came back with 1000 points'],
    ],
    [
      'that comes back twice',
      [...open, [closed(1_000)], [returned(1_000)], [returned(1_000)]],
      ['fold 6 lease lease of fund came back twice'],
    ],
    ['that is drawn and not open', [[committed(1_000)], [drawn(1)]], ['fold 2 lease lease of fund is not open']],
  ])('%s is found', (_, requests, lines) => {
    expect(found(...requests)).toEqual(lines);
  });
});

describe('postings', () => {
  it.each([-1, 0.5, 2 ** 53])('of %d points are none', (points) => {
    expect(found([expired(points)])).toEqual([`double-entry 1 a posting of ${points} points`]);
  });

  it.each([0, 1, Number.MAX_SAFE_INTEGER])('of %d points are whole points', (points) => {
    expect(found([expired(points)])).toEqual([]);
  });
});
