import type { AccountEvent } from './account.js';
import { granted, now, reversed } from './builders.js';
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
function checked(requests: readonly (readonly LedgerEvent[])[]) {
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
  return ledger;
}

const check = (requests: readonly (readonly LedgerEvent[])[]) => [
  ...new Set(
    checked(requests)
      .violations()
      .map(({ invariant }) => invariant),
  ),
];

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

const place = { personId: 'person', lotId: 'lot', fundId: 'fund', ownerId: 'demo' };
const expired = (points: number): AccountEvent => ({
  type: 'PointsExpired',
  data: { ...place, campaignId: 'campaign', points, expiresAt: now, dryRun: false },
});
const takenBack = (points: number) => reversed({ points, receivablePoints: 400 });
const owed: AccountEvent = {
  type: 'ReceivableRecorded',
  data: { ...place, receivableId: 'receivable', reversalId: 'reversal', points: 400 },
};
const repaid = (points: number): AccountEvent => ({
  type: 'ReceivableRepaid',
  data: {
    ...place,
    receivableId: 'receivable',
    payingLotId: 'later',
    payingFundId: 'fund',
    payingOwnerId: 'demo',
    points,
  },
});
const writtenOff: AccountEvent = {
  type: 'ReceivableWrittenOff',
  data: { ...place, receivableId: 'receivable', points: 150, reasonPattern: 'hardship' },
};
const lowered = (points: number): LedgerEvent => ({
  type: 'FundLowered',
  data: { fundId: 'fund', ownerId: 'demo', dryRun: false, points, reason: 'lowered', toFundId: null },
});
const lateGrant = granted({ claimId: 'later', lotId: 'later', measureId: 'later', amountPoints: 500 });
const whole = [
  ...good.slice(0, 6),
  [takenBack(600), owed],
  [lateGrant, drawn(500), repaid(250)],
  [writtenOff],
  [lowered(2_000)],
];

it('finds nothing in a whole life of points', () => {
  expect(check(whole)).toEqual([]);
  expect(check([...open, [granted(), drawn(1_000)], [expired(1_000)]])).toEqual([]);
});

it.each<[string, string, readonly (readonly LedgerEvent[])[]]>([
  ['more expired than is there', 'fold', [...open, [granted(), drawn(1_000)], [expired(1_001)]]],
  ['more reversed than is left', 'fold', [...good.slice(0, 6), [takenBack(601), owed]]],
  ['a repayment of what nobody owes', 'fold', [...open, [lateGrant, drawn(500), repaid(1)]]],
  ['a fund lowered under what is leased', 'fold', [...open, [lowered(2_001)]]],
  ['a write-off of more than is open', 'fold', [...whole.slice(0, 8), [repaid(1)], [writtenOff]]],
])('finds %s (%s)', (_, invariant, requests) => {
  expect(check(requests)).toContain(invariant);
});

it('a request is judged at its end, not in its middle', () => {
  expect(check([...open, [granted(), second({ personId: 'other' }), drawn(2_000)]])).toEqual([]);
});

it('the last request is judged too, on the accounts as in the funds', () => {
  const mistaken: AccountEvent = { ...captured, data: { ...captured.data, lots: [{ ...lot, fundId: 'other' }] } };
  expect(check([...open, [granted(), drawn(1_000)], [held], [mistaken]])).toEqual(['I3']);
});

it('counts what it was given', () => {
  const requests = [...open, [granted(), second({ personId: 'other' }), drawn(2_000)]];
  expect(checked(requests).counts).toEqual({ events: 6, accounts: 2, funds: 1 });
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
    expect(accounts(expired(7))).toEqual([['fund:fund:available', 'fund:fund:expired', 7]]);
    expect(accounts(takenBack(7))).toEqual([['fund:fund:available', 'fund:fund:reversed', 7]]);
    expect(accounts(takenBack(0))).toEqual([]);
    expect(accounts(owed)).toEqual([['fund:fund:receivable', 'fund:fund:recoverable', 400]]);
    expect(accounts(repaid(7))).toEqual([['fund:fund:available', 'fund:fund:receivable', 7]]);
    expect(accounts(writtenOff)).toEqual([['fund:fund:recoverable', 'fund:fund:receivable', 150]]);
    expect(accounts(lowered(7))).toEqual([['fund:fund:undrawn', 'fund:fund:committed', 7]]);
    for (const guard of [leased, opened, drawn(1), closed(1), returned(1)]) expect(postingsOf(guard)).toEqual([]);
  });
});
