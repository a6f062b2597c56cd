import { changeOf, type FundFigures, liabilityOf, noFigures } from './fund-figures.js';

/** What made a fund's liability to the people grow or shrink. */
export interface LiabilityChanges {
  readonly grantedPoints: number;
  readonly exchangedPoints: number;
  readonly expiredPoints: number;
  readonly reversedPoints: number;
  readonly repaidPoints: number;
}

/** closing = opening + granted − exchanged − expired − reversed − repaid, prior periods' part included. */
export interface RollForward extends LiabilityChanges {
  readonly openingPoints: number;
  /** The part that was effective before the period and recorded within it: corrections of prior periods. */
  readonly priorPeriods: LiabilityChanges;
  readonly closingPoints: number;
}

export const noRollForward: RollForward = rollForwardOf({ opening: noFigures, closing: noFigures });

/**
 * The liability from one time to another, of one fund. `prior` is what was recorded between the two and had been
 * effective before the first; it stands apart, and the other changes are those of the period itself.
 */
export function rollForwardOf(figures: {
  readonly opening: FundFigures;
  readonly closing: FundFigures;
  readonly prior?: FundFigures;
}): RollForward {
  const { opening, closing, prior = noFigures } = figures;
  return {
    openingPoints: liabilityOf(opening),
    ...changesOf(changeOf(prior, changeOf(opening, closing))),
    priorPeriods: changesOf(prior),
    closingPoints: liabilityOf(closing),
  };
}

/** The sum of several funds' roll-forwards. */
export function sumOfRollForwards(rows: readonly RollForward[]): RollForward {
  return rows.reduce(
    (sum, row) => ({
      openingPoints: sum.openingPoints + row.openingPoints,
      ...sumOfChanges(sum, row),
      priorPeriods: sumOfChanges(sum.priorPeriods, row.priorPeriods),
      closingPoints: sum.closingPoints + row.closingPoints,
    }),
    noRollForward,
  );
}

/** By how much changes move the liability: up for a grant, down for all others. */
export function effectOf(changes: LiabilityChanges): number {
  const { grantedPoints, exchangedPoints, expiredPoints, reversedPoints, repaidPoints } = changes;
  return grantedPoints - exchangedPoints - expiredPoints - reversedPoints - repaidPoints;
}

function changesOf(figures: FundFigures): LiabilityChanges {
  const { grantedPoints, exchangedPoints, expiredPoints, reversedPoints, repaidPoints } = figures;
  return { grantedPoints, exchangedPoints, expiredPoints, reversedPoints, repaidPoints };
}

function sumOfChanges(a: LiabilityChanges, b: LiabilityChanges): LiabilityChanges {
  return {
    grantedPoints: a.grantedPoints + b.grantedPoints,
    exchangedPoints: a.exchangedPoints + b.exchangedPoints,
    expiredPoints: a.expiredPoints + b.expiredPoints,
    reversedPoints: a.reversedPoints + b.reversedPoints,
    repaidPoints: a.repaidPoints + b.repaidPoints,
  };
}
