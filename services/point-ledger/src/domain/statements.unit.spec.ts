import type { RecordedEvent } from '@tsunagu/event-store';
import { endOfDay, japanDay, startOfDay } from '@tsunagu/kernel';
import fc from 'fast-check';
import { instants, owners, programmes } from '../test-programme.js';
import {
  accountHistoryOf,
  accountStatementOf,
  balanceAt,
  type Cut,
  type HistoryEvent,
  lapsedAt,
  lotsAt,
} from './account-history.js';
import {
  availableOf,
  changeOf,
  exchangedByProvider,
  figuresByFund,
  heldOf,
  liabilityOf,
  noFigures,
  openReceivablesOf,
  type PairTotal,
  trialBalanceOf,
  undrawnOf,
} from './fund-figures.js';
import { lotChangesOf } from './lot-changes.js';
import { postingsOf } from './postings.js';
import { effectOf, rollForwardOf, sumOfRollForwards } from './roll-forward.js';

type Events = readonly HistoryEvent[];

const counts = ({ effectiveAt, recordedAt }: HistoryEvent, cut: Cut) =>
  Date.parse(effectiveAt) < cut.effectiveBefore && Date.parse(recordedAt) < cut.recordedBefore;

/** The plain sum of postings. */
function pairsOf(events: Events, cut: Cut): readonly PairTotal[] {
  const pairs = new Map<string, PairTotal>();
  for (const { debitAccount, creditAccount, points } of events
    .filter((event) => counts(event, cut))
    .flatMap(postingsOf)) {
    const key = `${debitAccount} ${creditAccount}`;
    pairs.set(key, { debitAccount, creditAccount, points: (pairs.get(key)?.points ?? 0) + points });
  }
  return [...pairs.values()];
}

/** Available and held points of every fund's lots, from the lots and without any posting. */
function lotSums(events: Events, cut: Cut) {
  const fundOf = new Map<string, string>();
  const sums = new Map<string, { available: number; held: number }>();
  const add = (fundId: string, available: number, held: number) => {
    const sofar = sums.get(fundId) ?? { available: 0, held: 0 };
    sums.set(fundId, { available: sofar.available + available, held: sofar.held + held });
  };
  for (const event of events) {
    const { lotId, fundId, amountPoints } = event.data as { lotId: string; fundId: string; amountPoints: number };
    if (event.type === 'PointsGranted') fundOf.set(lotId, fundId);
    if (!counts(event, cut)) continue;
    if (event.type === 'PointsGranted') add(fundId, amountPoints, 0);
    for (const change of lotChangesOf(event)) {
      add(fundOf.get(change.lotId) ?? '', change.availablePoints, change.heldPoints);
    }
  }
  return sums;
}

const cuts = fc.record({ effectiveBefore: instants, recordedBefore: instants });
const runs = { numRuns: 300 };

describe('figures of funds', () => {
  it('agree with the lots and with the trial balance, as of any two times', () => {
    fc.assert(
      fc.property(programmes(60), cuts, (events, cut) => {
        const pairs = pairsOf(events, cut);
        const balance = trialBalanceOf(pairs);
        expect(balance.totals.debitPoints).toBe(balance.totals.creditPoints);
        const creditOf = (account: string) => {
          const row = balance.rows.find((each) => each.account.replace('dryRun:', '') === account);
          return (row?.creditPoints ?? 0) - (row?.debitPoints ?? 0);
        };
        const sums = lotSums(events, cut);
        for (const [fundId, figures] of figuresByFund(pairs)) {
          const { available = 0, held = 0 } = sums.get(fundId) ?? {};
          expect([availableOf(figures), heldOf(figures)]).toEqual([available, held]);
          expect(liabilityOf(figures)).toBe(available + held);
          const of = (part: string) => creditOf(`fund:${fundId}:${part}`);
          expect([availableOf(figures), heldOf(figures), undrawnOf(figures)]).toEqual([
            of('available'),
            of('held'),
            of('undrawn'),
          ]);
          expect([figures.expiredPoints, figures.reversedPoints]).toEqual([of('expired'), of('reversed')]);
          expect(figures.committedPoints - figures.loweredPoints).toBe(-of('committed') || 0);
          expect(openReceivablesOf(figures)).toBe(-of('receivable') || 0);
          const byProvider = exchangedByProvider(pairs, fundId);
          expect(byProvider.reduce((sum, { points }) => sum + points, 0)).toBe(figures.exchangedPoints);
          for (const { providerId, points } of byProvider) {
            expect(points).toBe(creditOf(`provider:${providerId}:fund:${fundId}:exchanged`));
          }
        }
      }),
      runs,
    );
  });

  it('leave no posting out: one that they do not know is an error', () => {
    const strange = { debitAccount: 'fund:f:available', creditAccount: 'fund:f:elsewhere', points: 1 };
    expect(() => figuresByFund([strange])).toThrow('no statement knows postings from available to elsewhere');
    expect(() => figuresByFund([{ ...strange, debitAccount: 'f:available' }])).toThrow('not an account');
  });
});

describe('a liability roll-forward', () => {
  const days = fc
    .tuple(fc.nat(8), fc.nat(4))
    .map(([first, more]) => ({ from: dayMs(first), until: dayMs(first + more + 1) }));
  const dayMs = (n: number) => startOfDay(japanDay('2027-03-27')) + n * 86_400_000;

  const byRecorded = (events: Events, fundId: string, { from, until }: { from: number; until: number }) => {
    const at = (effectiveBefore: number, recordedBefore: number) =>
      figuresByFund(pairsOf(events, { effectiveBefore, recordedBefore })).get(fundId) ?? noFigures;
    const [opening, closing] = [at(Infinity, from), at(Infinity, until)];
    return rollForwardOf({ opening, closing, prior: changeOf(at(from, from), at(from, until)) });
  };

  it('closes where opening and changes lead, and where the next one opens', () => {
    fc.assert(
      fc.property(programmes(60), days, instants, (events, { from, until }, recordedBefore) => {
        const at = (effectiveBefore: number) => figuresByFund(pairsOf(events, { effectiveBefore, recordedBefore }));
        const [opening, closing, later] = [at(from), at(until), at(until + 86_400_000)];
        const sums = lotSums(events, { effectiveBefore: until, recordedBefore });
        for (const fundId of later.keys()) {
          const of = (figures: typeof opening) => figures.get(fundId) ?? noFigures;
          const row = rollForwardOf({ opening: of(opening), closing: of(closing) });
          expect(row.closingPoints).toBe(row.openingPoints + effectOf(row));
          expect(rollForwardOf({ opening: of(closing), closing: of(later) }).openingPoints).toBe(row.closingPoints);
          const { available = 0, held = 0 } = sums.get(fundId) ?? {};
          expect(row.closingPoints).toBe(available + held);
        }
      }),
      runs,
    );
  });

  it('by recorded time never changes once its days are over, and shows apart what counts for earlier days', () => {
    fc.assert(
      fc.property(programmes(60), days, (events, period) => {
        for (const fundId of figuresByFund(
          pairsOf(events, { effectiveBefore: Infinity, recordedBefore: Infinity }),
        ).keys()) {
          const row = byRecorded(events, fundId, period);
          expect(row.closingPoints).toBe(row.openingPoints + effectOf(row) + effectOf(row.priorPeriods));
          const known = events.filter(({ recordedAt }) => Date.parse(recordedAt) < period.until);
          expect(byRecorded(known, fundId, period)).toEqual(row);
          const late = lateEffect(events, fundId, period);
          expect(effectOf(row.priorPeriods)).toBe(late);
        }
      }),
      runs,
    );
  });

  function lateEffect(events: Events, fundId: string, { from, until }: { from: number; until: number }): number {
    const late = events.filter(
      ({ effectiveAt, recordedAt }) =>
        Date.parse(effectiveAt) < from && Date.parse(recordedAt) >= from && Date.parse(recordedAt) < until,
    );
    // Holds and releases move nothing between the fund and the people, whenever they count.
    return late.flatMap(postingsOf).reduce((sum, { debitAccount, creditAccount, points }) => {
      const inside = (account: string) => /:(available|held)$/.test(account) && account.includes(fundId);
      return sum + (inside(creditAccount) ? points : 0) - (inside(debitAccount) ? points : 0);
    }, 0);
  }

  it('sums add up member by member', () => {
    const row = rollForwardOf({ opening: noFigures, closing: { ...noFigures, grantedPoints: 5, expiredPoints: 2 } });
    const prior = { ...row, priorPeriods: { ...row.priorPeriods, exchangedPoints: 1 } };
    expect(sumOfRollForwards([row, prior])).toEqual({
      ...prior,
      grantedPoints: 10,
      expiredPoints: 4,
      closingPoints: 6,
    });
  });
});

describe('an account', () => {
  function accountsOf(events: readonly RecordedEvent[]): readonly (readonly RecordedEvent[])[] {
    const ofAccounts = events.filter(({ stream }) => stream.startsWith('account-'));
    return [...Map.groupBy(ofAccounts, ({ stream }) => stream).values()];
  }

  it('has the balance of the events that count, lot by lot, for all owners and for each', () => {
    fc.assert(
      fc.property(programmes(60), cuts, (events, cut) => {
        for (const account of accountsOf(events)) {
          const history = accountHistoryOf(account);
          const balance = balanceAt(history, cut);
          const real = lotsAt(history, cut).filter(({ dryRun }) => !dryRun);
          expect(real.reduce((sum, lot) => sum + lot.heldPoints, 0)).toBe(heldOfUncut(account, cut));
          const plain = lotSums(account.filter(isReal(account)), cut);
          expect(balance.bookedPoints).toBe([...plain.values()].reduce((sum, { available }) => sum + available, 0));
          expect(balance.heldPoints).toBe([...plain.values()].reduce((sum, { held }) => sum + held, 0));
          const each = owners.map((ownerId) => balanceAt(accountHistoryOf(account, ownerId), cut));
          expect(each.reduce((sum, { bookedPoints }) => sum + bookedPoints, 0)).toBe(balance.bookedPoints);
          expect(each.reduce((sum, { owedPoints }) => sum + owedPoints, 0)).toBe(balance.owedPoints);
        }
      }),
      runs,
    );
  });

  /** Lots that the cut leaves out have movements that it does not, where those are effective before the grant. */
  function heldOfUncut(account: Events, cut: Cut): number {
    const history = accountHistoryOf(account);
    const granted = new Set(history.terms.filter((term) => counts(term as never, cut)).map(({ lotId }) => lotId));
    return history.movements
      .filter((movement) => granted.has(movement.lotId) && counts(movement as never, cut))
      .reduce((sum, { heldPoints }) => sum + heldPoints, 0);
  }

  function isReal(account: Events): (event: HistoryEvent) => boolean {
    const trials = new Set(
      account.flatMap(({ type, data }) => {
        const { lotId, dryRun } = data as { lotId: string; dryRun: boolean };
        return type === 'PointsGranted' && dryRun ? [lotId] : [];
      }),
    );
    return ({ data }) => !trials.has((data as { lotId: string }).lotId);
  }

  it('has statements that lead from opening to closing, and on to the next', () => {
    fc.assert(
      fc.property(programmes(60), instants, instants, instants, (events, a, b, recordedBefore) => {
        const [from, until] = [Math.min(a, b), Math.max(a, b)];
        for (const account of accountsOf(events)) {
          const history = accountHistoryOf(account);
          const statement = accountStatementOf(history, { from, until, recordedBefore });
          const sum = (of: (movement: (typeof statement.movements)[number]) => number) =>
            statement.movements.reduce((total, movement) => total + of(movement), 0);
          expect(statement.closing).toEqual({
            bookedPoints: statement.opening.bookedPoints + sum((movement) => movement.points),
            heldPoints: statement.opening.heldPoints + sum((movement) => movement.heldPoints),
            owedPoints: statement.opening.owedPoints + sum((movement) => movement.owedPoints),
          });
          const next = accountStatementOf(history, { from: until, until: Infinity, recordedBefore });
          expect(next.opening).toEqual(statement.closing);
          const times = statement.movements.map(({ effectiveAt }) => effectiveAt);
          expect(times).toEqual([...times].sort());
        }
      }),
      runs,
    );
  });

  it('has no use for points whose term is over, recorded or not', () => {
    const lot = { lotId: 'a', fundId: 'f', ownerId: 'o', heldPoints: 5, bookedPoints: 10 };
    const end = endOfDay(japanDay('2027-03-31'));
    const lots = [
      { ...lot, dryRun: false, expiresAt: new Date(end).toISOString() },
      { ...lot, dryRun: true, expiresAt: new Date(end).toISOString() },
      { ...lot, dryRun: false, expiresAt: null },
    ];
    expect([lapsedAt(lots, end - 1), lapsedAt(lots, end)]).toEqual([0, 10]);
  });
});
