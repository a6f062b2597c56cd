import { sumPoints } from '@tsunagu/kernel';
import { csvFile } from '@tsunagu/sheets';
import { type SettlementClose, type SettlementLine, totalsOf } from '../domain/settlement.js';

/** The tables of a settlement for spreadsheets. */

export function exchangesCsv(lines: readonly SettlementLine[]): Buffer {
  return csvFile(
    [
      'exchangeId',
      'requestedAt',
      'creditedAt',
      'confirmedAt',
      'providerReference',
      'points',
      'providerPoints',
      'amountYen',
    ],
    lines.map((line) => [
      line.exchangeId,
      line.requestedAt,
      line.creditedAt,
      line.confirmedAt,
      line.providerReference,
      line.points,
      line.providerPoints,
      line.points,
    ]),
  );
}

export function exchangeFundsCsv(lines: readonly SettlementLine[]): Buffer {
  return csvFile(
    ['exchangeId', 'fundId', 'points'],
    lines.flatMap((line) => line.funds.map((fund) => [line.exchangeId, fund.fundId, fund.points])),
  );
}

/** Totals per fund, then in all, then what earlier closes carried in (part of the total) and what this one carries out. */
export function statementCsv(lines: readonly SettlementLine[], carriedOver: SettlementClose['carriedOver']): Buffer {
  const totals = totalsOf(lines);
  return csvFile(
    ['item', 'fundId', 'exchangeCount', 'points', 'amountYen'],
    [
      ...fundTotals(lines).map(({ fundId, count, points }) => ['fund', fundId, count, points, points]),
      ['total', '', totals.exchangeCount, totals.points, totals.amountYen],
      ['carried_in', '', totals.carriedIn.count, totals.carriedIn.points, totals.carriedIn.points],
      ['carried_out', '', carriedOver.count, carriedOver.points, carriedOver.points],
    ],
  );
}

function fundTotals(lines: readonly SettlementLine[]): readonly { fundId: string; count: number; points: number }[] {
  const byFund = new Map<string, number[]>();
  for (const { funds } of lines) {
    for (const { fundId, points } of funds) byFund.set(fundId, [...(byFund.get(fundId) ?? []), points]);
  }
  return [...byFund]
    .map(([fundId, parts]) => ({ fundId, count: parts.length, points: sumPoints(parts) }))
    .sort((a, b) => (a.fundId < b.fundId ? -1 : 1));
}
