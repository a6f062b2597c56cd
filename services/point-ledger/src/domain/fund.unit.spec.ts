import fc from 'fast-check';
import {
  canCarryOver,
  canRaise,
  commitmentPointsMax,
  evolveFund,
  type Fund,
  type FundEvent,
  foldFund,
  leaseSize,
} from './fund.js';
import { evolveLease, foldLease, type Lease, type LeaseEvent, leaseIds } from './lease.js';

const terms = { fundId: 'fund', ownerId: 'demo', name: 'fund', fiscalYear: 2026, budgetCode: null, dryRun: false };
const committed = (amountPoints: number): FundEvent => ({ type: 'FundCommitted', data: { ...terms, amountPoints } });
const leased = (leaseId: string, points: number): FundEvent => ({
  type: 'FundLeased',
  data: { fundId: 'fund', leaseId, slot: 0, points },
});
const returned = (leaseId: string, points: number): FundEvent => ({
  type: 'FundReturned',
  data: { fundId: 'fund', leaseId, points },
});
const opened = (points: number): LeaseEvent => ({
  type: 'LeaseOpened',
  data: { leaseId: 'lease', fundId: 'fund', slot: 0, points },
});
const drawn = (points: number): LeaseEvent => ({
  type: 'FundDrawn',
  data: { leaseId: 'lease', fundId: 'fund', points, grants: 1 },
});
const closed = (restPoints: number): LeaseEvent => ({
  type: 'LeaseClosed',
  data: { leaseId: 'lease', fundId: 'fund', restPoints },
});

describe('a fund', () => {
  it('is what was committed, less what is leased, plus what came back', () => {
    const fund = foldFund([committed(1_000), leased('a', 600), committed(500), returned('a', 200)]);
    expect(fund).toMatchObject({ committedPoints: 1_500, unleasedPoints: 1_100, leases: new Map() });
  });

  it.each([
    ['leases more than it has', [committed(100), leased('a', 101)], 'not a number of points: -1'],
    [
      'takes a lease back twice',
      [committed(100), leased('a', 50), returned('a', 50), returned('a', 50)],
      'lease a came back twice',
    ],
    ['takes back a lease it never gave', [committed(100), returned('a', 1)], 'lease a came back twice'],
    ['begins with a lease', [leased('a', 1)], 'a fund begins with FundCommitted'],
  ])('never %s', (_, events, message) => {
    expect(() => foldFund(events)).toThrow(message);
  });

  it('can be raised up to the limit', () => {
    const fund = foldFund([committed(commitmentPointsMax - 1)]) as Fund;
    expect(canRaise(fund, 1)).toBe(true);
    expect(canRaise(fund, 2)).toBe(false);
  });
});

describe('a fund that is lowered', () => {
  const lowered = (points: number): FundEvent => ({
    type: 'FundLowered',
    data: { fundId: 'fund', ownerId: 'demo', dryRun: false, points, reason: 'lowered', toFundId: null },
  });

  it('keeps what is drawn or leased', () => {
    expect(foldFund([committed(1_000), leased('a', 600), lowered(400)])).toMatchObject({
      committedPoints: 600,
      unleasedPoints: 0,
    });
    expect(() => foldFund([committed(1_000), leased('a', 600), lowered(401)])).toThrow();
  });

  it('goes over only to a fund of the owner, of the kind, of a later year', () => {
    const from = foldFund([committed(1_000)]) as Fund;
    const to = { ...from, fundId: 'next', fiscalYear: 2027 };
    expect(canCarryOver(from, to, 1_000)).toEqual({ ok: true, value: to });
    for (const other of [
      undefined,
      from,
      { ...to, ownerId: 'city' },
      { ...to, dryRun: true },
      { ...to, fiscalYear: 2025 },
    ])
      expect(canCarryOver(from, other, 1)).toMatchObject({ refusal: { code: 'point_ledger.carry_over_mismatch' } });
    const full = { ...to, committedPoints: commitmentPointsMax };
    expect(canCarryOver(from, full, 1)).toMatchObject({ refusal: { code: 'point_ledger.commitment_too_large' } });
  });
});

describe('a lease', () => {
  it('is drawn to the last yen', () => {
    expect(foldLease([opened(100), drawn(60), drawn(40), closed(0)])).toMatchObject({ restPoints: 0, open: false });
  });

  it('is never drawn beyond its points', () => {
    expect(() => foldLease([opened(100), drawn(101)])).toThrow('not a number of points: -1');
  });

  it('has its own id for every step', () => {
    const lease = '019ab3f0-6c00-7000-8000-0000000000f1';
    const claim = '019ab3f0-6c00-7000-8000-0000000000c1';
    const { opened: open, closed: close, returned: back, drawn: draw } = leaseIds;
    expect(new Set([open(lease), close(lease), back(lease), draw(lease, claim), draw(claim, lease)]).size).toBe(5);
    expect(draw(lease, claim)).toBe(draw(lease, claim));
  });
});

it('the next lease covers what is wanted, never more than there is, and shrinks near the end', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000_000), fc.nat(100_000_000), (unleased, wanted) => {
      const size = leaseSize(unleased, wanted);
      expect(size).toBeLessThanOrEqual(unleased);
      expect(size).toBeGreaterThanOrEqual(Math.min(unleased, wanted, 1));
      expect(size).toBeLessThanOrEqual(Math.max(1, wanted, unleased / 8));
      if (wanted <= unleased) expect(size).toBeGreaterThanOrEqual(wanted);
    }),
  );
});

type Step = { kind: 'raise' | 'lease' | 'draw' | 'close' | 'return'; points: number; which: number };

it('whatever happens to leases, nothing of the commitment is lost or made', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('raise', 'lease', 'draw', 'close', 'return'),
    points: fc.integer({ min: 1, max: 500 }),
    which: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let fund = evolveFund(undefined, committed(1_000));
      const leases = new Map<string, Lease>();
      let total = 1_000;
      let drawnPoints = 0;
      steps.forEach(({ kind, points, which }, n) => {
        const [leaseId, lease] = [...leases][which] ?? [];
        if (kind === 'raise') {
          total += points;
          fund = evolveFund(fund, committed(points));
        } else if (kind === 'lease' && fund.unleasedPoints > 0) {
          const size = leaseSize(fund.unleasedPoints, points);
          fund = evolveFund(fund, leased(`lease ${n}`, size));
          leases.set(`lease ${n}`, evolveLease(undefined, opened(size)));
        } else if (leaseId !== undefined && lease) {
          if (kind === 'draw' && lease.open && points <= lease.restPoints) {
            leases.set(leaseId, evolveLease(lease, drawn(points)));
            drawnPoints += points;
          }
          if (kind === 'close' && lease.open) leases.set(leaseId, evolveLease(lease, closed(lease.restPoints)));
          if (kind === 'return' && !lease.open) {
            fund = evolveFund(fund, returned(leaseId, lease.restPoints));
            leases.delete(leaseId);
          }
        }
        const underLeases = [...leases.values()].reduce((sum, { restPoints }) => sum + restPoints, 0);
        expect(fund.unleasedPoints + underLeases + drawnPoints).toBe(total);
        expect(fund.committedPoints).toBe(total);
        expect(fund.leases.size).toBe(leases.size);
      });
    }),
  );
});
