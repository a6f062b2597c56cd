import fc from 'fast-check';
import { decideApproval, decidePeriod, fold, type PeriodClosed, type SettlementClose, totalsOf } from './settlement.js';

const close = { settlementId: 's1', closedBy: 'staff:finance' } as SettlementClose;
const closed = fold([{ type: 'SettlementClosed', data: close }]);
const changers = ['staff:operator'];

describe('an approval', () => {
  it('is another person’s: neither the closer nor who changed the bank account', () => {
    for (const approver of ['staff:finance', 'staff:operator']) {
      expect(decideApproval(closed, approver, changers)).toMatchObject({
        ok: false,
        refusal: { code: 'settlement.second_person_required' },
      });
    }
    const decided = decideApproval(closed, 'staff:second', changers);
    expect(decided).toMatchObject({ ok: true, value: [{ type: 'SettlementApproved' }] });
  });

  it('a second time changes nothing, and nothing can be approved that was not closed', () => {
    const decided = decideApproval(closed, 'staff:second', changers);
    const approved = fold([{ type: 'SettlementClosed', data: close }, ...(decided.ok ? decided.value : [])]);
    expect(approved.state).toBe('approved');
    expect(decideApproval(approved, 'staff:third', changers)).toEqual({ ok: true, value: [] });
    expect(decideApproval(fold([]), 'staff:second', [])).toMatchObject({ ok: false });
  });
});

describe('the periods of an owner and provider', () => {
  const days = fc
    .tuple(fc.integer({ min: 1, max: 28 }), fc.integer({ min: 1, max: 28 }))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)].map((day) => `2026-02-${String(day).padStart(2, '0')}`));

  it('never overlap and never reach today, over all orders of closes', () => {
    fc.assert(
      fc.property(fc.array(days, { maxLength: 20 }), (periods) => {
        const taken = new Set<string>();
        let recorded: readonly PeriodClosed[] = [];
        periods.forEach(([from = '', to = ''], index) => {
          const decided = decidePeriod(recorded, { settlementId: `s${index}`, from, to }, '2026-02-20');
          const wanted: string[] = [];
          for (let day = Number(from.slice(8)); day <= Number(to.slice(8)); day += 1) wanted.push(String(day));
          const free = to < '2026-02-20' && wanted.every((day) => !taken.has(day));
          expect(decided.ok).toBe(free);
          if (!decided.ok) return;
          for (const day of wanted) taken.add(day);
          recorded = [...recorded, ...decided.value];
        });
      }),
    );
  });

  it('tell which refusal it is', () => {
    const period = { settlementId: 's1', from: '2026-02-01', to: '2026-02-10' };
    expect(decidePeriod([], period, '2026-02-10')).toMatchObject({ refusal: { code: 'settlement.period_not_over' } });
    expect(
      decidePeriod([{ type: 'PeriodClosed', data: period }], { ...period, settlementId: 's2' }, '2026-03-01'),
    ).toMatchObject({
      refusal: { code: 'settlement.overlaps', extensions: { settlementId: 's1' } },
    });
  });
});

it('totals are the sums of the lines, carried ones counted in', () => {
  const line = (points: number, carriedIn: boolean) => ({
    exchangeId: 'e',
    requestedAt: '',
    creditedAt: '',
    confirmedAt: '',
    providerReference: '',
    points,
    providerPoints: points - 1,
    funds: [],
    carriedIn,
  });
  expect(totalsOf([line(100, false), line(300, true)])).toEqual({
    exchangeCount: 2,
    points: 400,
    providerPoints: 398,
    amountYen: 400,
    carriedIn: { count: 1, points: 300 },
  });
});
