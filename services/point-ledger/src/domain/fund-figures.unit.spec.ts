import {
  accountNameOf,
  availableOf,
  changeOf,
  exchangedByProvider,
  type Figure,
  type FundFigures,
  figuresByFund,
  heldOf,
  liabilityOf,
  noFigures,
  openReceivablesOf,
  type PairTotal,
  trialBalanceOf,
  undrawnOf,
} from './fund-figures.js';

const pair = (debitAccount: string, creditAccount: string, points: number): PairTotal => ({
  debitAccount,
  creditAccount,
  points,
});

describe('the name of an account', () => {
  it.each([
    ['fund:f:available', { dryRun: false, providerId: null, fundId: 'f', part: 'available' }],
    ['dryRun:fund:f:undrawn', { dryRun: true, providerId: null, fundId: 'f', part: 'undrawn' }],
    ['provider:pay:fund:f:exchanged', { dryRun: false, providerId: 'pay', fundId: 'f', part: 'exchanged' }],
    ['dryRun:provider:pay:fund:f:exchanged', { dryRun: true, providerId: 'pay', fundId: 'f', part: 'exchanged' }],
  ])('%s says what it is', (account, name) => {
    expect(accountNameOf(account)).toEqual(name);
  });

  it.each(['', 'fund:f', 'fund::available', 'fund:f:available:', 'a fund:f:available', 'provider:fund:f:exchanged'])(
    'is not "%s"',
    (account) => {
      expect(() => accountNameOf(account)).toThrow(`not an account of double entry: ${account}`);
    },
  );
});

describe('figures by fund', () => {
  it.each<[debited: string, credited: string, figures: Partial<FundFigures>]>([
    ['fund:f:committed', 'fund:f:undrawn', { committedPoints: 7 }],
    ['fund:f:undrawn', 'fund:f:committed', { loweredPoints: 7 }],
    ['fund:f:undrawn', 'fund:f:available', { grantedPoints: 7 }],
    ['fund:f:available', 'fund:f:held', { setAsidePoints: 7 }],
    ['fund:f:held', 'fund:f:available', { releasedPoints: 7 }],
    ['fund:f:held', 'provider:pay:fund:f:exchanged', { exchangedPoints: 7 }],
    ['dryRun:fund:f:available', 'dryRun:fund:f:expired', { expiredPoints: 7 }],
    ['fund:f:available', 'fund:f:reversed', { reversedPoints: 7 }],
    ['fund:f:available', 'fund:f:receivable', { repaidPoints: 7, receivableRepaidPoints: 7 }],
    ['fund:f:receivable', 'fund:f:recoverable', { receivableRecordedPoints: 7 }],
    ['fund:f:recoverable', 'fund:f:receivable', { receivableWrittenOffPoints: 7 }],
  ])('count postings from %s to %s', (debited, credited, figures) => {
    expect(figuresByFund([pair(debited, credited, 7)])).toEqual(new Map([['f', { ...noFigures, ...figures }]]));
  });

  it('count a repayment for the fund whose lot paid and for the fund that was owed', () => {
    expect(figuresByFund([pair('fund:paying:available', 'fund:owed:receivable', 7)])).toEqual(
      new Map([
        ['paying', { ...noFigures, repaidPoints: 7 }],
        ['owed', { ...noFigures, receivableRepaidPoints: 7 }],
      ]),
    );
  });

  it('name a fund that a pair only credits', () => {
    expect([...figuresByFund([pair('fund:a:undrawn', 'fund:b:available', 7)]).keys()]).toEqual(['a', 'b']);
  });

  it('add up the pairs of a fund', () => {
    const pairs = ['pay', 'other'].map((id) => pair('fund:f:held', `provider:${id}:fund:f:exchanged`, 7));
    expect(figuresByFund(pairs).get('f')).toEqual({ ...noFigures, exchangedPoints: 14 });
  });
});

describe('sums of figures', () => {
  /** Every figure another power of two, so that each sum says which figures are in it. */
  const names = Object.keys(noFigures) as Figure[];
  const bit = Object.fromEntries(names.map((name, index) => [name, 2 ** index])) as unknown as FundFigures;

  it('add what came and subtract what went', () => {
    expect(undrawnOf(bit)).toBe(bit.committedPoints - bit.loweredPoints - bit.grantedPoints);
    expect(heldOf(bit)).toBe(bit.setAsidePoints - bit.releasedPoints - bit.exchangedPoints);
    const gone = bit.expiredPoints + bit.reversedPoints + bit.repaidPoints;
    expect(availableOf(bit)).toBe(bit.grantedPoints + bit.releasedPoints - bit.setAsidePoints - gone);
    expect(liabilityOf(bit)).toBe(bit.grantedPoints - bit.exchangedPoints - gone);
    const settled = bit.receivableRepaidPoints + bit.receivableWrittenOffPoints;
    expect(openReceivablesOf(bit)).toBe(bit.receivableRecordedPoints - settled);
  });

  it('leave no change of any figure out', () => {
    expect(changeOf(noFigures, bit)).toEqual(bit);
    expect(changeOf(bit, bit)).toEqual(noFigures);
  });
});

it('exchanged points stand by provider in the order of their ids, and only those of the fund', () => {
  const pairs = [
    pair('fund:f:held', 'provider:b-pay:fund:f:exchanged', 2),
    pair('fund:f:held', 'provider:c-pay:fund:f:exchanged', 3),
    pair('fund:f:held', 'provider:a-pay:fund:f:exchanged', 1),
    pair('fund:g:held', 'provider:a-pay:fund:g:exchanged', 4),
    pair('fund:f:available', 'fund:f:held', 6),
    pair('fund:f:held', 'fund:f:exchanged', 5),
    pair('fund:f:held', 'provider:a-pay:fund:f:returned', 8),
  ];
  expect(exchangedByProvider(pairs, 'f')).toEqual([
    { providerId: 'a-pay', points: 1 },
    { providerId: 'b-pay', points: 2 },
    { providerId: 'c-pay', points: 3 },
  ]);
});

describe('a trial balance', () => {
  it('has a row an account in the order of their names, and equal totals', () => {
    const pairs = [
      pair('fund:f:undrawn', 'fund:f:available', 30),
      pair('fund:f:committed', 'fund:f:undrawn', 100),
      pair('fund:f:available', 'fund:f:expired', 5),
      pair('fund:f:available', 'fund:f:reversed', 6),
    ];
    expect(trialBalanceOf(pairs)).toEqual({
      rows: [
        { account: 'fund:f:available', debitPoints: 11, creditPoints: 30 },
        { account: 'fund:f:committed', debitPoints: 100, creditPoints: 0 },
        { account: 'fund:f:expired', debitPoints: 0, creditPoints: 5 },
        { account: 'fund:f:reversed', debitPoints: 0, creditPoints: 6 },
        { account: 'fund:f:undrawn', debitPoints: 30, creditPoints: 100 },
      ],
      totals: { debitPoints: 141, creditPoints: 141 },
    });
  });

  it('of nothing is nothing', () => {
    expect(trialBalanceOf([])).toEqual({ rows: [], totals: { debitPoints: 0, creditPoints: 0 } });
  });
});
