import { addPoints, sumPoints } from '@tsunagu/kernel';

/** The points of all postings between two accounts of double entry, as of some time. */
export interface PairTotal {
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly points: number;
}

/** What the postings say of one fund. All are sums of postings, so two sets of figures can be subtracted. */
export interface FundFigures {
  /** Commitments and raises. */
  readonly committedPoints: number;
  readonly loweredPoints: number;
  readonly grantedPoints: number;
  /** Set aside for exchanges, and given back by those that did not happen. */
  readonly setAsidePoints: number;
  readonly releasedPoints: number;
  readonly exchangedPoints: number;
  readonly expiredPoints: number;
  readonly reversedPoints: number;
  /** Taken from this fund's lots to repay what a person owed, to whichever fund. */
  readonly repaidPoints: number;
  readonly receivableRecordedPoints: number;
  /** What this fund got back, from whichever fund's lots. */
  readonly receivableRepaidPoints: number;
  readonly receivableWrittenOffPoints: number;
}

export type Figure = keyof FundFigures;

export const noFigures: FundFigures = {
  committedPoints: 0,
  loweredPoints: 0,
  grantedPoints: 0,
  setAsidePoints: 0,
  releasedPoints: 0,
  exchangedPoints: 0,
  expiredPoints: 0,
  reversedPoints: 0,
  repaidPoints: 0,
  receivableRecordedPoints: 0,
  receivableRepaidPoints: 0,
  receivableWrittenOffPoints: 0,
};

export interface AccountName {
  readonly dryRun: boolean;
  readonly providerId: string | null;
  readonly fundId: string;
  /** Such as `available`. */
  readonly part: string;
}

const ACCOUNT = /^(dryRun:)?(?:provider:([^:]+):)?fund:([^:]+):([a-z]+)$/;

/** Parts of an account's name in double entry. Throws for a text that names none. */
export function accountNameOf(account: string): AccountName {
  const [, dryRun, providerId, fundId, part] = ACCOUNT.exec(account) ?? [];
  if (fundId === undefined || part === undefined) throw new Error(`not an account of double entry: ${account}`);
  return { dryRun: dryRun !== undefined, providerId: providerId ?? null, fundId, part };
}

/** The figure that postings between two parts count for: the debited fund's, then the credited fund's where that is another. */
const figureOf: Readonly<Record<string, { readonly debited?: Figure; readonly credited?: Figure }>> = {
  'committed > undrawn': { debited: 'committedPoints' },
  'undrawn > committed': { debited: 'loweredPoints' },
  'undrawn > available': { debited: 'grantedPoints' },
  'available > held': { debited: 'setAsidePoints' },
  'held > available': { debited: 'releasedPoints' },
  'held > exchanged': { debited: 'exchangedPoints' },
  'available > expired': { debited: 'expiredPoints' },
  'available > reversed': { debited: 'reversedPoints' },
  'available > receivable': { debited: 'repaidPoints', credited: 'receivableRepaidPoints' },
  'receivable > recoverable': { debited: 'receivableRecordedPoints' },
  'recoverable > receivable': { debited: 'receivableWrittenOffPoints' },
};

/** The figures of every fund that the pairs name. Throws for a pair that it does not know: no statement may leave one out. */
export function figuresByFund(pairs: readonly PairTotal[]): ReadonlyMap<string, FundFigures> {
  const figures = new Map<string, FundFigures>();
  const add = (fundId: string, figure: Figure | undefined, points: number) => {
    const sofar = figures.get(fundId) ?? noFigures;
    figures.set(fundId, figure ? { ...sofar, [figure]: addPoints(sofar[figure], points) } : sofar);
  };
  for (const { debitAccount, creditAccount, points } of pairs) {
    const [debit, credit] = [accountNameOf(debitAccount), accountNameOf(creditAccount)];
    const figure = figureOf[`${debit.part} > ${credit.part}`];
    if (!figure) throw new Error(`no statement knows postings from ${debit.part} to ${credit.part}`);
    add(debit.fundId, figure.debited, points);
    add(credit.fundId, figure.credited, points);
  }
  return figures;
}

/** What happened between two times: each figure of `after` less that of `before`. */
export function changeOf(before: FundFigures, after: FundFigures): FundFigures {
  const names = Object.keys(noFigures) as Figure[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as FundFigures;
}

/** Commitment that no grant has drawn, under leases or not. */
export function undrawnOf({ committedPoints, loweredPoints, grantedPoints }: FundFigures): number {
  return committedPoints - loweredPoints - grantedPoints;
}

export function heldOf({ setAsidePoints, releasedPoints, exchangedPoints }: FundFigures): number {
  return setAsidePoints - releasedPoints - exchangedPoints;
}

export function availableOf(figures: FundFigures): number {
  const { grantedPoints, setAsidePoints, releasedPoints, expiredPoints, reversedPoints, repaidPoints } = figures;
  return grantedPoints - setAsidePoints + releasedPoints - expiredPoints - reversedPoints - repaidPoints;
}

/** What the owner still owes the people: available and held points of the fund's lots. */
export function liabilityOf(figures: FundFigures): number {
  const { grantedPoints, exchangedPoints, expiredPoints, reversedPoints, repaidPoints } = figures;
  return grantedPoints - exchangedPoints - expiredPoints - reversedPoints - repaidPoints;
}

export function openReceivablesOf(figures: FundFigures): number {
  const { receivableRecordedPoints, receivableRepaidPoints, receivableWrittenOffPoints } = figures;
  return receivableRecordedPoints - receivableRepaidPoints - receivableWrittenOffPoints;
}

/** Exchanged points of a fund by provider, in the order of their ids. */
export function exchangedByProvider(
  pairs: readonly PairTotal[],
  fundId: string,
): readonly { readonly providerId: string; readonly points: number }[] {
  return pairs
    .flatMap(({ creditAccount, points }) => {
      const credit = accountNameOf(creditAccount);
      return credit.part === 'exchanged' && credit.fundId === fundId && credit.providerId !== null
        ? [{ providerId: credit.providerId, points }]
        : [];
    })
    .sort((a, b) => (a.providerId < b.providerId ? -1 : 1));
}

export interface TrialBalance {
  readonly rows: readonly { readonly account: string; readonly debitPoints: number; readonly creditPoints: number }[];
  readonly totals: { readonly debitPoints: number; readonly creditPoints: number };
}

/** Debits and credits of every account, in the order of their names; the two totals are always equal. */
export function trialBalanceOf(pairs: readonly PairTotal[]): TrialBalance {
  const debits = new Map<string, number>();
  const credits = new Map<string, number>();
  for (const { debitAccount, creditAccount, points } of pairs) {
    debits.set(debitAccount, addPoints(debits.get(debitAccount) ?? 0, points));
    credits.set(creditAccount, addPoints(credits.get(creditAccount) ?? 0, points));
  }
  const accounts = [...new Set([...debits.keys(), ...credits.keys()])].sort();
  return {
    rows: accounts.map((account) => ({
      account,
      debitPoints: debits.get(account) ?? 0,
      creditPoints: credits.get(account) ?? 0,
    })),
    totals: { debitPoints: sumPoints(debits.values()), creditPoints: sumPoints(credits.values()) },
  };
}
