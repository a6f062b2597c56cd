import type { AccountEvent } from './account.js';
import { granted, now } from './builders.js';
import { type CheckedEvent, checkLedger } from './ledger-check.js';
import { type LedgerEvent, postingsOf } from './postings.js';

const fund = { fundId: 'fund', ownerId: 'demo', name: 'fund', fiscalYear: 2026, budgetCode: null, dryRun: false };
const lot = { lotId: 'lot', fundId: 'fund', ownerId: 'demo', points: 400 };
const hold = { holdId: 'hold', exchangeId: 'exchange', personId: 'person', points: 400, lots: [lot] };

const committed: LedgerEvent = { type: 'FundCommitted', data: { ...fund, amountPoints: 5_000 } };
const leased: LedgerEvent = { type: 'FundLeased', data: { fundId: 'fund', leaseId: 'lease', slot: 0, points: 3_000 } };
const opened: LedgerEvent = { type: 'LeaseOpened', data: { leaseId: 'lease', fundId: 'fund', slot: 0, points: 3_000 } };
const drawn = (points: number): LedgerEvent => ({
  type: 'FundDrawn',
  data: { leaseId: 'lease', fundId: 'fund', points, grants: 1 },
});
const closed = (restPoints: number): LedgerEvent => ({
  type: 'LeaseClosed',
  data: { leaseId: 'lease', fundId: 'fund', restPoints },
});
const returned = (points: number): LedgerEvent => ({
  type: 'FundReturned',
  data: { fundId: 'fund', leaseId: 'lease', points },
});
const held: AccountEvent = { type: 'PointsHeld', data: { ...hold, providerId: 'sim-pay', askOwnerAt: now } };
const captured: AccountEvent = { type: 'HoldCaptured', data: { ...hold, providerId: 'sim-pay' } };
const released: AccountEvent = { type: 'HoldReleased', data: { ...hold, reasonCode: 'rejected' } };

const open = [[committed], [leased], [opened]];
const good = [...open, [granted(), drawn(1_000)], [held], [captured], [closed(2_000)], [returned(2_000)]];

/** Each list is one append request. */
function check(requests: readonly (readonly LedgerEvent[])[]) {
  const ledger = checkLedger();
  let position = 0;
  requests.forEach((events, request) => {
    for (const event of events) {
      position += 1;
      const { personId = 'none' } = event.data as { personId?: string };
      const at = { id: `event ${position}`, stream: `account-${personId}`, position, requestId: `request ${request}` };
      ledger.take({ ...at, ...event } as CheckedEvent);
    }
  });
  return [...new Set(ledger.violations().map(({ invariant }) => invariant))];
}

it('finds nothing in a sound ledger', () => {
  expect(check(good)).toEqual([]);
  expect(check([...open, [granted(), drawn(1_000)], [held], [released]])).toEqual([]);
});

const second = (more: object) => granted({ claimId: 'second', lotId: 'second', ...more });
it.each<[string, string, readonly (readonly LedgerEvent[])[]]>([
  ['a doubled grant', 'I1', [...open, [granted(), drawn(1_000)], [second({}), drawn(1_000)]]],
  ['a grant without its draw', 'I3', [...open, [granted()]]],
  ['a draw without its grant', 'I3', [...open, [drawn(1_000)]]],
  ['a draw of another amount', 'I3', [...open, [granted(), drawn(999)]]],
  ['a grant beyond the commitment', 'I4', [...open, [granted({ amountPoints: 5_001 }), drawn(3_000)]]],
  [
    'a lease larger than the fund gave',
    'I4',
    [[committed], [leased], [{ ...opened, data: { ...opened.data, points: 4_000 } } as LedgerEvent]],
  ],
  [
    'a lease that returns more than its rest',
    'I3',
    [
      ...open,
      [closed(3_000)],
      [returned(3_000)].map((e) => ({ ...e, data: { ...e.data, points: 3_001 } }) as LedgerEvent),
    ],
  ],
  ['a hold of more than the lot has', 'fold', [...open, [granted({ amountPoints: 399 }), drawn(399)], [held]]],
  ['a capture without a hold', 'fold', [...open, [granted(), drawn(1_000)], [captured]]],
  ['a lost hold', 'fold', good.filter(([event]) => event !== held)],
])('finds %s (%s)', (_, invariant, requests) => {
  expect(check(requests)).toContain(invariant);
});

it('a request is judged at its end, not in its middle', () => {
  expect(check([...open, [granted(), second({ personId: 'other' }), drawn(2_000)]])).toEqual([]);
});

describe('postings', () => {
  it('name the accounts of double entry', () => {
    const accounts = (event: LedgerEvent) =>
      postingsOf(event).map(({ debitAccount, creditAccount, points }) => [debitAccount, creditAccount, points]);
    expect(accounts(committed)).toEqual([['fund:fund:committed', 'fund:fund:undrawn', 5_000]]);
    expect(accounts(granted())).toEqual([['fund:fund:undrawn', 'fund:fund:available', 1_000]]);
    expect(accounts(granted({ dryRun: true }))).toEqual([
      ['dryRun:fund:fund:undrawn', 'dryRun:fund:fund:available', 1_000],
    ]);
    expect(accounts(held)).toEqual([['fund:fund:available', 'fund:fund:held', 400]]);
    expect(accounts(released)).toEqual([['fund:fund:held', 'fund:fund:available', 400]]);
    expect(accounts(captured)).toEqual([['fund:fund:held', 'provider:sim-pay:fund:fund:exchanged', 400]]);
    for (const guard of [leased, opened, drawn(1), closed(1), returned(1)]) expect(postingsOf(guard)).toEqual([]);
  });
});
