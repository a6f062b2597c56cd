import {
  accountHistoryOf,
  accountStatementOf,
  balanceAt,
  type Cut,
  type HistoryEvent,
  lapsedAt,
  lotsAt,
} from './account-history.js';
import { granted } from './builders.js';

const instant = (minute: number) => `2026-11-20T01:${String(minute).padStart(2, '0')}:00.000Z`;
const term = '2027-03-31T15:00:00.000Z';
const longerTerm = '2027-06-30T15:00:00.000Z';
const everything: Cut = { effectiveBefore: Infinity, recordedBefore: Infinity };

const parts = (lotId: string, points: number) => ({
  exchangeId: 'exchange',
  points,
  lots: [{ lotId, fundId: 'fund', ownerId: 'demo', points }],
});
const owed = { lotId: 'a', fundId: 'fund', ownerId: 'demo', receivableId: 'receivable' };
const grantOf = (lotId: string, amountPoints: number, more: Parameters<typeof granted>[0] = {}) =>
  granted({ lotId, claimId: `claim ${lotId}`, amountPoints, ...more });

/** One of each kind of event that moves points, a minute after another. */
const told: readonly { readonly type: string; readonly data: unknown; readonly actor?: string }[] = [
  grantOf('a', 1_000, { expiresAt: term }),
  grantOf('b', 500, { ownerId: 'city', fundId: 'fund of the city' }),
  grantOf('trial', 200, { dryRun: true }),
  { type: 'PointsHeld', data: parts('a', 400) },
  { type: 'HoldCaptured', data: parts('a', 300) },
  { type: 'HoldReleased', data: parts('a', 100) },
  { type: 'LotExtended', data: { lotId: 'a', expiresAt: longerTerm } },
  { type: 'GrantReversed', data: { lotId: 'a', points: 600, reasonPattern: 'fraud' }, actor: 'staff:second' },
  { type: 'ReceivableRecorded', data: { ...owed, points: 300 } },
  { type: 'ReceivableRepaid', data: { ...owed, payingLotId: 'b', points: 120 } },
  { type: 'ReceivableWrittenOff', data: { ...owed, points: 180, reasonPattern: 'hardship' }, actor: 'staff:third' },
  { type: 'PointsExpired', data: { lotId: 'a', points: 100 } },
];
const events: readonly HistoryEvent[] = told.map(({ type, data, actor = 'service:point-ledger' }, minute) => ({
  id: `event ${minute}`,
  type,
  position: minute + 1,
  effectiveAt: instant(minute),
  recordedAt: instant(minute),
  actor,
  data,
}));

describe('movements', () => {
  it('are one a lot of every event that moves points or says what is owed, signed by what it does to the account', () => {
    const { movements } = accountHistoryOf(events);
    const lines = movements.map(({ entryId, kind, lotId, points, heldPoints, owedPoints, dryRunPoints }) => [
      entryId,
      kind,
      lotId,
      points,
      heldPoints,
      owedPoints,
      dryRunPoints,
    ]);
    expect(lines).toEqual([
      ['event 0.0', 'grant', 'a', 1_000, 0, 0, null],
      ['event 1.0', 'grant', 'b', 500, 0, 0, null],
      ['event 2.0', 'grant', 'trial', 0, 0, 0, 200],
      ['event 3.0', 'hold', 'a', -400, 400, 0, null],
      ['event 4.0', 'capture', 'a', 0, -300, 0, null],
      ['event 5.0', 'release', 'a', 100, -100, 0, null],
      ['event 7.0', 'reverse', 'a', -600, 0, 0, null],
      ['event 8.0', 'receivable', 'a', 0, 0, 300, null],
      ['event 9.0', 'repay', 'b', -120, 0, -120, null],
      ['event 10.0', 'write_off', 'a', 0, 0, -180, null],
      ['event 11.0', 'expire', 'a', -100, 0, 0, null],
    ]);
  });

  it('say whose lot it is, which claim or exchange moved it, and who approved a correction', () => {
    const { movements } = accountHistoryOf(events);
    const none = { claimId: null, exchangeId: null, reasonPattern: null, approvedBy: null };
    const city = { fundId: 'fund of the city', ownerId: 'city' };
    expect(movements[1]).toMatchObject({ ...none, ...city, claimId: 'claim b', recordedAt: instant(1) });
    expect(movements[4]).toMatchObject({ ...none, fundId: 'fund', ownerId: 'demo', exchangeId: 'exchange' });
    expect(movements[6]).toMatchObject({ ...none, reasonPattern: 'fraud', approvedBy: 'staff:second' });
    expect(movements[8]).toMatchObject({ ...none, ...city });
    expect(movements[9]).toMatchObject({ ...none, reasonPattern: 'hardship', approvedBy: 'staff:third' });
  });

  it('number the lots of one event in its order', () => {
    const lots = ['b', 'a'].flatMap((lotId) => parts(lotId, 10).lots);
    const hold = { ...(events[3] as HistoryEvent), data: { exchangeId: 'exchange', points: 20, lots } };
    const { movements } = accountHistoryOf([...events.slice(0, 2), hold]);
    expect(movements.slice(2).map(({ entryId, lotId }) => [entryId, lotId])).toEqual([
      ['event 3.0', 'b'],
      ['event 3.1', 'a'],
    ]);
  });

  it('of one owner are those of lots that the owner pays for', () => {
    const { movements, terms } = accountHistoryOf(events, 'city');
    expect(movements.map(({ kind, lotId }) => [kind, lotId])).toEqual([
      ['grant', 'b'],
      ['repay', 'b'],
    ]);
    expect(terms.map(({ lotId }) => lotId)).toEqual(['b']);
  });

  it('of a lot that was never granted are an error', () => {
    expect(() => accountHistoryOf(events.slice(1))).toThrow(
      'an event moves points of the lot a, which was never granted',
    );
  });
});

it('terms are what each grant and each extension give a lot', () => {
  const [a, b] = [
    { lotId: 'a', fundId: 'fund', ownerId: 'demo', dryRun: false },
    { lotId: 'b', fundId: 'fund of the city', ownerId: 'city', dryRun: false },
  ];
  const at = (minute: number) => ({ effectiveAt: instant(minute), recordedAt: instant(minute) });
  expect(accountHistoryOf(events).terms).toEqual([
    { ...a, expiresAt: term, ...at(0) },
    { ...b, expiresAt: null, ...at(1) },
    { ...a, lotId: 'trial', dryRun: true, expiresAt: null, ...at(2) },
    { ...a, expiresAt: longerTerm, ...at(6) },
  ]);
});

describe('what an account had', () => {
  const history = accountHistoryOf(events);
  const before = (minute: number): Cut => ({ ...everything, effectiveBefore: Date.parse(instant(minute)) });

  it.each([
    [0, { bookedPoints: 0, heldPoints: 0, owedPoints: 0 }],
    [1, { bookedPoints: 1_000, heldPoints: 0, owedPoints: 0 }],
    [4, { bookedPoints: 1_100, heldPoints: 400, owedPoints: 0 }],
    [9, { bookedPoints: 600, heldPoints: 0, owedPoints: 300 }],
    [10, { bookedPoints: 480, heldPoints: 0, owedPoints: 180 }],
    [12, { bookedPoints: 380, heldPoints: 0, owedPoints: 0 }],
  ])('before minute %i is the sum of what is effective and recorded earlier', (minute, balance) => {
    expect(balanceAt(history, before(minute))).toEqual(balance);
    const recordedBefore = Date.parse(instant(minute));
    expect(balanceAt(history, { ...everything, recordedBefore })).toEqual(balance);
  });

  it('lies in its lots that have something, trials too, each with its term then', () => {
    const a = { lotId: 'a', fundId: 'fund', ownerId: 'demo', dryRun: false };
    const b = { ...a, lotId: 'b', fundId: 'fund of the city', ownerId: 'city', heldPoints: 0, expiresAt: null };
    const trial = { ...a, lotId: 'trial', dryRun: true, bookedPoints: 200, heldPoints: 0, expiresAt: null };
    expect(lotsAt(history, before(4))).toEqual([
      { ...a, bookedPoints: 600, heldPoints: 400, expiresAt: term },
      { ...b, bookedPoints: 500 },
      trial,
    ]);
    expect(lotsAt(history, before(7))).toEqual([
      { ...a, bookedPoints: 700, heldPoints: 0, expiresAt: longerTerm },
      { ...b, bookedPoints: 500 },
      trial,
    ]);
    expect(lotsAt(history, before(8))).toMatchObject([{ lotId: 'a', bookedPoints: 100 }, { lotId: 'b' }, trial]);
    expect(lotsAt(history, everything)).toEqual([{ ...b, bookedPoints: 380 }, trial]);
  });

  it('of a lot whose points are all held is still there', () => {
    const hold = { ...(events[3] as HistoryEvent), data: parts('a', 1_000) };
    const held = accountHistoryOf([events[0] as HistoryEvent, hold]);
    expect(lotsAt(held, everything)).toMatchObject([{ lotId: 'a', bookedPoints: 0, heldPoints: 1_000 }]);
  });

  it('has lapsed where its term is over, but for trials and what never expires', () => {
    const lot = { lotId: 'a', fundId: 'fund', ownerId: 'demo', heldPoints: 0 };
    const lots = [
      { ...lot, dryRun: false, expiresAt: term, bookedPoints: 10 },
      { ...lot, dryRun: true, expiresAt: term, bookedPoints: 200 },
      { ...lot, dryRun: false, expiresAt: null, bookedPoints: 3_000 },
      { ...lot, dryRun: false, expiresAt: longerTerm, bookedPoints: 40_000 },
    ];
    const end = Date.parse(term);
    expect([lapsedAt(lots, end - 1), lapsedAt(lots, end), lapsedAt(lots, Infinity)]).toEqual([0, 10, 40_010]);
  });
});

it('a statement has what is effective from its first moment up to, and not at, its last, by effective time', () => {
  const late = { ...(events[1] as HistoryEvent), id: 'late', effectiveAt: instant(3) };
  const history = accountHistoryOf([events[0], events[2], events[3], events[4], late, events[5]] as HistoryEvent[]);
  const [from, until] = [Date.parse(instant(2)), Date.parse(instant(5))];
  const { opening, movements, closing } = accountStatementOf(history, { from, until, recordedBefore: Infinity });
  expect(opening).toEqual({ bookedPoints: 1_000, heldPoints: 0, owedPoints: 0 });
  expect(movements.map(({ entryId }) => entryId)).toEqual(['event 2.0', 'event 3.0', 'late.0', 'event 4.0']);
  expect(closing).toEqual({ bookedPoints: 1_100, heldPoints: 100, owedPoints: 0 });
});
