import { changeOf, type FundFigures, figuresByFund, noFigures, type PairTotal } from '../domain/fund-figures.js';
import { effectOf, type RollForward, rollForwardOf, sumOfRollForwards } from '../domain/roll-forward.js';
import type { FundOfOwner } from '../projections/statement-queries.js';
import type { Sheet } from './spreadsheet.js';

/** Totals of the postings at the times that a roll-forward is made of. */
export interface RollForwardPairs {
  readonly opening: readonly PairTotal[];
  readonly closing: readonly PairTotal[];
  /** Effective before the period: as recorded before it, and as recorded by its end. Only where asked by recorded time. */
  readonly prior?: { readonly before: readonly PairTotal[]; readonly after: readonly PairTotal[] };
}

export interface RollForwardRow extends FundOfOwner, RollForward {}

/** A row a fund, the sums by fiscal year of the funds and in all; trials have rows and are in no sum. */
export function rollForwardRows(funds: readonly FundOfOwner[], pairs: RollForwardPairs) {
  const [opening, closing] = [figuresByFund(pairs.opening), figuresByFund(pairs.closing)];
  const [before, after] = [figuresByFund(pairs.prior?.before ?? []), figuresByFund(pairs.prior?.after ?? [])];
  const at = (figures: ReadonlyMap<string, FundFigures>, fundId: string) => figures.get(fundId) ?? noFigures;
  const rows = funds.map((fund): RollForwardRow => {
    const prior = changeOf(at(before, fund.fundId), at(after, fund.fundId));
    const figures = { opening: at(opening, fund.fundId), closing: at(closing, fund.fundId), prior };
    return { ...fund, ...rollForwardOf(figures) };
  });
  const real = rows.filter((row) => !row.dryRun);
  const years = [...new Set(real.map((row) => row.fiscalYear))].sort((a, b) => a - b);
  return {
    rows,
    fiscalYears: years.map((fiscalYear) => ({
      fiscalYear,
      ...sumOfRollForwards(real.filter((row) => row.fiscalYear === fiscalYear)),
    })),
    totals: sumOfRollForwards(real),
  };
}

export function rollForwardSheet({ rows, fiscalYears, totals }: ReturnType<typeof rollForwardRows>): Sheet {
  const figures = (row: RollForward) => [
    row.openingPoints,
    row.grantedPoints,
    row.exchangedPoints,
    row.expiredPoints,
    row.reversedPoints,
    row.repaidPoints,
    row.priorPeriods.grantedPoints,
    row.priorPeriods.exchangedPoints,
    row.priorPeriods.expiredPoints,
    row.priorPeriods.reversedPoints,
    row.priorPeriods.repaidPoints,
    effectOf(row.priorPeriods),
    row.closingPoints,
  ];
  return {
    name: 'liability-roll-forward',
    columns: [
      'row',
      'fundId',
      'name',
      'fiscalYear',
      'dryRun',
      'openingPoints',
      'grantedPoints',
      'exchangedPoints',
      'expiredPoints',
      'reversedPoints',
      'repaidPoints',
      'priorGrantedPoints',
      'priorExchangedPoints',
      'priorExpiredPoints',
      'priorReversedPoints',
      'priorRepaidPoints',
      'priorEffectPoints',
      'closingPoints',
    ],
    rows: [
      ...rows.map((row) => ['fund', row.fundId, row.name, row.fiscalYear, String(row.dryRun), ...figures(row)]),
      ...fiscalYears.map((row) => ['fiscal_year', null, null, row.fiscalYear, 'false', ...figures(row)]),
      ['total', null, null, null, 'false', ...figures(totals)],
    ],
  };
}
