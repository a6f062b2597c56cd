import { type FundFigures, liabilityOf, noFigures } from './fund-figures.js';
import { effectOf, noRollForward, rollForwardOf, sumOfRollForwards } from './roll-forward.js';

const opening: FundFigures = { ...noFigures, grantedPoints: 1_000, exchangedPoints: 300 };
const closing: FundFigures = {
  ...opening,
  grantedPoints: 3_000,
  exchangedPoints: 350,
  expiredPoints: 20,
  reversedPoints: 8,
  repaidPoints: 3,
};
const noChanges = { grantedPoints: 0, exchangedPoints: 0, expiredPoints: 0, reversedPoints: 0, repaidPoints: 0 };
const changes = { grantedPoints: 2_000, exchangedPoints: 50, expiredPoints: 20, reversedPoints: 8, repaidPoints: 3 };

it('says by what a liability went from opening to closing', () => {
  const row = rollForwardOf({ opening, closing });
  expect(row).toEqual({ openingPoints: 700, ...changes, priorPeriods: noChanges, closingPoints: 2_619 });
  expect(effectOf(row)).toBe(liabilityOf(closing) - liabilityOf(opening));
});

it('says apart what was recorded now for earlier days', () => {
  const prior: FundFigures = { ...noFigures, grantedPoints: 500, reversedPoints: 6, setAsidePoints: 9 };
  expect(rollForwardOf({ opening, closing, prior })).toEqual({
    openingPoints: 700,
    ...changes,
    grantedPoints: 1_500,
    reversedPoints: 2,
    priorPeriods: { ...noChanges, grantedPoints: 500, reversedPoints: 6 },
    closingPoints: 2_619,
  });
});

it('of several funds is the sum of theirs, member by member', () => {
  const prior: FundFigures = { ...noFigures, grantedPoints: 4, exchangedPoints: 1, reversedPoints: 1 };
  const row = rollForwardOf({ opening, closing, prior });
  expect(sumOfRollForwards([])).toEqual(noRollForward);
  expect(sumOfRollForwards([row])).toEqual(row);
  expect(sumOfRollForwards([row, row])).toEqual({
    openingPoints: 1_400,
    grantedPoints: 3_992,
    exchangedPoints: 98,
    expiredPoints: 40,
    reversedPoints: 14,
    repaidPoints: 6,
    priorPeriods: { ...noChanges, grantedPoints: 8, exchangedPoints: 2, reversedPoints: 2 },
    closingPoints: 5_238,
  });
});
