import type { Account } from './account.js';
import { GrownList } from './grown-list.js';
import { GrownMap } from './grown-map.js';
import type { Lot } from './lot.js';

/**
 * The version of what a fold gives: raised with every change of `Account`, of `evolveAccount` or of what either means. A
 * snapshot of another version is not read.
 */
export const foldVersion = 1;

/** An account as it stood at a revision, −1 where its stream does not exist. */
export interface AccountSeen {
  readonly account: Account;
  readonly revision: number;
  /** The id of the event at that revision. */
  readonly lastEventId: string | null;
}

/** An account as JSON: every Map as its entries, in its order. */
export interface AccountSnapshot {
  readonly lots: readonly Lot[];
  readonly claims: EntriesOf<Account['claims']>;
  readonly measures: EntriesOf<Account['measures']>;
  readonly exchanges: EntriesOf<Account['exchanges']>;
  readonly receivables: EntriesOf<Account['receivables']>;
}

type EntriesOf<M> = M extends ReadonlyMap<infer K, infer V> ? readonly (readonly [K, V])[] : never;

export function toSnapshot({ lots, claims, measures, exchanges, receivables }: Account): AccountSnapshot {
  return {
    lots: [...lots],
    claims: [...claims],
    measures: [...measures],
    exchanges: [...exchanges],
    receivables: [...receivables],
  };
}

export function fromSnapshot({ lots, claims, measures, exchanges, receivables }: AccountSnapshot): Account {
  return {
    lots: GrownList.from(lots),
    claims: GrownMap.from(claims),
    measures: GrownMap.from(measures),
    exchanges: GrownMap.from(exchanges),
    receivables: new Map(receivables),
  };
}
