import { type AccountEvent, emptyAccount, foldAccount } from './account.js';
import { checkAccounts, checkOneGrant } from './account-check.js';
import { granted, now, reversed } from './builders.js';
import type { CheckedEvent, Violation } from './checked-event.js';

const lot = { lotId: 'lot', fundId: 'fund', ownerId: 'demo', points: 400 };
const hold = { holdId: 'hold', exchangeId: 'exchange', personId: 'person', points: 400, lots: [lot] };
const held: AccountEvent = { type: 'PointsHeld', data: { ...hold, providerId: 'sim-pay', askOwnerAt: now } };
const captured = (fundId: string): AccountEvent => ({
  type: 'HoldCaptured',
  data: { ...hold, lots: [{ ...lot, fundId }], providerId: 'sim-pay' },
});
const place = { personId: 'person', lotId: 'lot', fundId: 'fund', ownerId: 'demo' };
const owed: AccountEvent = {
  type: 'ReceivableRecorded',
  data: { ...place, receivableId: 'receivable', reversalId: 'reversal', points: 400 },
};
const writtenOff = (fundId: string): AccountEvent => ({
  type: 'ReceivableWrittenOff',
  data: { ...place, fundId, receivableId: 'receivable', points: 150, reasonPattern: 'hardship' },
});
const paying = { payingLotId: 'lot', payingFundId: 'fund', payingOwnerId: 'demo' };
/** Of the lot, 100 repay what is owed, 200 expire and 300 are taken back. */
const otherEnds: readonly AccountEvent[] = [
  owed,
  { type: 'ReceivableRepaid', data: { ...place, ...paying, receivableId: 'receivable', points: 100 } },
  {
    type: 'PointsExpired',
    data: { ...place, campaignId: 'campaign', points: 200, expiresAt: now, dryRun: false },
  },
  reversed({ points: 300 }),
];

function at(position: number, stream: string, event: AccountEvent, requestId = `request ${position}`): CheckedEvent {
  return { id: `event ${position}`, position, stream, requestId, ...event };
}

/** Each in a request of its own, of one account. */
const inTurn = (...events: readonly AccountEvent[]) =>
  events.map((event, index) => at(index + 1, 'account-person', event));

function found(events: readonly CheckedEvent[]) {
  const violations: Violation[] = [];
  const check = checkAccounts((violation) => void violations.push(violation));
  for (const event of events) check.take(event);
  check.end();
  return violations.map(({ invariant, position, detail }) => `${invariant} ${position} ${detail}`);
}

it('finds nothing on an account whose points went where its events say', () => {
  expect(found(inTurn(granted(), held, captured('fund'), owed, writtenOff('fund')))).toEqual([]);
  expect(found(inTurn(granted(), held, captured('fund'), ...otherEnds))).toEqual([]);
});

it('finds points that left a lot of one fund and are counted to another, for both', () => {
  const nothing = 'expired 0, reversed 0, repaid 0';
  expect(found(inTurn(granted(), held, captured('other')))).toEqual([
    `I3 3 fund fund on account-person: granted 1000, available 600, held 0, exchanged 0, ${nothing}`,
    `I3 3 fund other on account-person: granted 0, available 0, held 0, exchanged 400, ${nothing}`,
  ]);
});

it('says of a broken fund where each of its points went', () => {
  const events = [granted(), held, captured('other'), ...otherEnds];
  const [fund] = found(events.map((event, index) => at(index + 1, 'account-person', event, 'one')));
  const ends = 'exchanged 0, expired 200, reversed 300, repaid 100';
  expect(fund).toBe(`I3 7 fund fund on account-person: granted 1000, available 0, held 0, ${ends}`);
});

it('finds a receivable that is written off to another fund than it is owed to', () => {
  expect(found(inTurn(owed, writtenOff('other')))).toEqual([
    'I3 2 fund fund on account-person: receivables come to 400 and 250 are open',
    'I3 2 fund other on account-person: receivables come to -150 and 0 are open',
  ]);
});

it('does not let what is wrong on one account make up for another', () => {
  const mistaken = { ...granted({ personId: 'other', lotId: 'second', fundId: 'other', amountPoints: 400 }) };
  const back = { ...hold, personId: 'other', lots: [{ ...lot, lotId: 'second' }] };
  const events = [
    at(1, 'account-person', granted()),
    at(2, 'account-person', held),
    at(3, 'account-other', mistaken),
    at(4, 'account-other', { type: 'PointsHeld', data: { ...back, providerId: 'sim-pay', askOwnerAt: now } }),
    // In one request fund and other exchange 400 points of each other's lots: the sums of both funds stay right.
    at(5, 'account-person', captured('other'), 'together'),
    at(6, 'account-other', { type: 'HoldCaptured', data: { ...back, providerId: 'sim-pay' } }, 'together'),
  ];
  const lines = found(events);
  expect(lines).toHaveLength(4);
  for (const line of lines) expect(line).toMatch(/^I3 6 fund (fund|other) on account-(person|other): /);
});

it('judges a request at its end, once, though others follow', () => {
  const events = inTurn(granted(), held, captured('other'));
  const other = (personId: string) => granted({ personId });
  const lines = found([...events, at(4, 'account-other', other('other')), at(5, 'account-third', other('third'))]);
  expect(lines).toEqual(found(events));
});

it.each([
  ['a grant of less than nothing', -5, 'is below zero'],
  ['a grant that says no amount', null as never, 'is not the sum of its parts'],
])('finds %s at its event (I5), once', (_, amountPoints, detail) => {
  const next = granted({ lotId: 'next', claimId: 'next', measureId: 'next' });
  expect(found(inTurn(granted({ amountPoints }), next))).toEqual([`I5 1 lot lot ${detail}`]);
});

it('finds what lies on an account and names another person', () => {
  expect(found([at(1, 'account-person', granted({ personId: 'other' }))])).toEqual([
    'fold 1 PointsGranted names another person than the account that it lies on',
  ]);
});

it('has each account as its events make it, and an empty one for a stream without any', () => {
  const check = checkAccounts(() => undefined);
  for (const event of inTurn(granted(), held)) check.take(event);
  check.take(at(3, 'account-other', granted({ personId: 'other' })));
  check.take({ ...at(4, 'fund', granted()), type: 'FundCommitted' });
  expect(check.account('account-person')).toEqual(foldAccount([granted(), held]));
  expect(check.account('account-unseen')).toBe(emptyAccount);
  expect(check.accounts).toBe(2);
});

it('names a second grant of a measure to a person, on whatever account it lies', () => {
  const violations: Violation[] = [];
  const once = checkOneGrant((violation) => void violations.push(violation));
  once.take(at(1, 'account-person', granted()));
  once.take(at(2, 'account-person', granted({ measureId: 'another', claimId: 'another' })));
  expect(violations).toEqual([]);
  once.take(at(3, 'account-elsewhere', granted({ claimId: 'second' })));
  expect(violations).toEqual([
    {
      invariant: 'I1',
      eventId: 'event 3',
      log: 0,
      position: 3,
      detail: 'measure and person were granted already, by event event 1 (claim second)',
    },
  ]);
});
