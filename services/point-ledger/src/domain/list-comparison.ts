import { addPoints } from '@tsunagu/kernel';
import type { PersonsAndPoints } from './list-grant.js';
import type { Lot } from './lot.js';

/** The part of an account that a comparison looks at. */
export interface GrantedBefore {
  readonly lots: Iterable<Pick<Lot, 'fundId' | 'batchId' | 'grantedAt' | 'amountPoints' | 'measureId'>>;
  readonly measures: ReadonlyMap<string, string>;
}

export interface Comparing {
  readonly listId: string;
  readonly measureId: string;
  /** Grants before this time are not held against a row, but for those of the same measure. */
  readonly since: string;
}

export interface RowStanding {
  readonly kind: 'fresh' | 'same_measure' | 'other_list';
  readonly otherListId: string | null;
  readonly grantedAt: string | null;
  /** What was granted since, by fund. */
  readonly past: readonly { readonly fundId: string; readonly points: number }[];
}

/** What the person of a row was granted before, by whichever claim or list. */
export function standingOf(account: GrantedBefore, { listId, measureId, since }: Comparing): RowStanding {
  const lots = [...account.lots];
  const past = lots
    .filter((lot) => lot.grantedAt >= since)
    .map(({ fundId, amountPoints: points }) => ({ fundId, points }));
  if (account.measures.has(measureId)) {
    const lot = lots.findLast((each) => each.measureId === measureId);
    const otherListId = lot?.batchId && lot.batchId !== listId ? lot.batchId : null;
    return { kind: 'same_measure', otherListId, grantedAt: lot?.grantedAt ?? null, past };
  }
  const lot = lots.findLast((each) => each.batchId !== null && each.batchId !== listId && each.grantedAt >= since);
  if (lot) return { kind: 'other_list', otherListId: lot.batchId, grantedAt: lot.grantedAt, past };
  return { kind: 'fresh', otherListId: null, grantedAt: null, past };
}

export interface ComparisonTotals {
  readonly fresh: PersonsAndPoints;
  readonly sameMeasure: PersonsAndPoints;
  readonly otherList: PersonsAndPoints;
  readonly pastByFund: readonly (PersonsAndPoints & { readonly fundId: string })[];
  readonly neededPoints: number;
}

/** Adds up the rows of a comparison. */
export function comparisonTotals(): { add(points: number, standing: RowStanding): void; totals(): ComparisonTotals } {
  const kinds = { fresh: none, same_measure: none, other_list: none };
  const funds = new Map<string, PersonsAndPoints>();
  return {
    add(points, { kind, past }) {
      kinds[kind] = plus(kinds[kind], 1, points);
      const counted = new Set<string>();
      for (const { fundId, points: pastPoints } of past) {
        funds.set(fundId, plus(funds.get(fundId) ?? none, counted.has(fundId) ? 0 : 1, pastPoints));
        counted.add(fundId);
      }
    },
    totals() {
      const byFund = [...funds].sort(([a], [b]) => (a < b ? -1 : 1));
      return {
        fresh: kinds.fresh,
        sameMeasure: kinds.same_measure,
        otherList: kinds.other_list,
        pastByFund: byFund.map(([fundId, sums]) => ({ fundId, ...sums })),
        neededPoints: addPoints(kinds.fresh.points, kinds.other_list.points),
      };
    },
  };
}

const none: PersonsAndPoints = { persons: 0, points: 0 };

function plus(sums: PersonsAndPoints, persons: number, points: number): PersonsAndPoints {
  return { persons: sums.persons + persons, points: addPoints(sums.points, points) };
}
