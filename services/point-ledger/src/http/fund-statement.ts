import {
  availableOf,
  exchangedByProvider,
  figuresByFund,
  heldOf,
  noFigures,
  openReceivablesOf,
  type PairTotal,
  undrawnOf,
} from '../domain/fund-figures.js';
import type { CorrectionTotal, FundChangeTotal, FundOfOwner } from '../projections/statement-queries.js';
import type { Sheet } from './spreadsheet.js';

export type FundStatement = ReturnType<typeof fundStatementOf>;

/** Every figure of one fund as of a time. Only the split of the commitment and the leases are not in the postings. */
export function fundStatementOf(
  fund: FundOfOwner & { readonly ownerId: string },
  pairs: readonly PairTotal[],
  changes: readonly FundChangeTotal[],
  corrections: readonly CorrectionTotal[],
) {
  const figures = figuresByFund(pairs).get(fund.fundId) ?? noFigures;
  const sum = (matches: (change: FundChangeTotal) => boolean) =>
    changes.filter(matches).reduce((total, { points }) => total + points, 0);
  const lowered = (reason: string) => sum((change) => change.kind === 'lowered' && change.reason === reason);
  return {
    ...fund,
    committedPoints: sum(({ kind, first }) => kind === 'committed' && first),
    raisedPoints: sum(({ kind, first }) => kind === 'committed' && !first),
    loweredPoints: lowered('lowered'),
    returnedPoints: lowered('returned'),
    carriedOverPoints: lowered('carried_over'),
    /** Handed to workers so far, and what came back of it: the difference is drawn or still with them. */
    leases: {
      leasedPoints: sum(({ kind }) => kind === 'leased'),
      returnedPoints: sum(({ kind }) => kind === 'returned'),
    },
    undrawnPoints: undrawnOf(figures),
    drawnPoints: figures.grantedPoints,
    availablePoints: availableOf(figures),
    heldPoints: heldOf(figures),
    exchangedPoints: figures.exchangedPoints,
    exchanged: exchangedByProvider(pairs, fund.fundId),
    expiredPoints: figures.expiredPoints,
    reversedPoints: figures.reversedPoints,
    repaidPoints: figures.repaidPoints,
    receivables: {
      recordedPoints: figures.receivableRecordedPoints,
      repaidPoints: figures.receivableRepaidPoints,
      writtenOffPoints: figures.receivableWrittenOffPoints,
      openPoints: openReceivablesOf(figures),
    },
    corrections: corrections.map(({ fundId: _, ...correction }) => correction),
  };
}

/** One figure a row; exchanges by provider and corrections by pattern and approver are rows of their own. */
export function fundSheet(statement: FundStatement & { readonly at: string; readonly recordedAt: string }): Sheet {
  const { leases, receivables } = statement;
  const figures: readonly (readonly [item: string, points: number])[] = [
    ['committed', statement.committedPoints],
    ['raised', statement.raisedPoints],
    ['lowered', statement.loweredPoints],
    ['returned', statement.returnedPoints],
    ['carried_over', statement.carriedOverPoints],
    ['leased', leases.leasedPoints],
    ['lease_returned', leases.returnedPoints],
    ['undrawn', statement.undrawnPoints],
    ['drawn', statement.drawnPoints],
    ['available', statement.availablePoints],
    ['held', statement.heldPoints],
    ['exchanged', statement.exchangedPoints],
    ['expired', statement.expiredPoints],
    ['reversed', statement.reversedPoints],
    ['repaid', statement.repaidPoints],
    ['receivable_recorded', receivables.recordedPoints],
    ['receivable_repaid', receivables.repaidPoints],
    ['receivable_written_off', receivables.writtenOffPoints],
    ['receivable_open', receivables.openPoints],
  ];
  const of = [statement.fundId, statement.fiscalYear, statement.at, statement.recordedAt] as const;
  return {
    name: 'fund-statement',
    columns: [
      'fundId',
      'fiscalYear',
      'at',
      'recordedAt',
      'item',
      'providerId',
      'reasonPattern',
      'approvedBy',
      'count',
      'points',
      'receivablePoints',
    ],
    rows: [
      ...figures.map(([item, points]) => [...of, item, null, null, null, null, points, null]),
      ...statement.exchanged.map(({ providerId, points }) => [
        ...of,
        'exchanged_with',
        providerId,
        null,
        null,
        null,
        points,
        null,
      ]),
      ...statement.corrections.map((each) => [
        ...of,
        each.kind,
        null,
        each.reasonPattern,
        each.approvedBy,
        each.count,
        each.points,
        each.receivablePoints,
      ]),
    ],
  };
}
