import { addPoints, ok, type Result, refuse, subtractPoints } from '@tsunagu/kernel';

/**
 * A fund: what an owner has committed, and the leases under which workers may draw it. Only the commitment and the
 * leases stand on its stream, so a launch does not write here for every grant (DESIGN: a fund's cap without a hot stream).
 */
export type FundEvent =
  | { readonly type: 'FundCommitted'; readonly data: FundCommitted }
  | { readonly type: 'FundLowered'; readonly data: FundLowered }
  | { readonly type: 'FundLeased'; readonly data: FundLeased }
  | { readonly type: 'FundReturned'; readonly data: FundReturned };

/** The first one creates the fund; each later one is a raise. */
export interface FundCommitted {
  readonly fundId: string;
  readonly ownerId: string;
  readonly name: string;
  /** The Japanese fiscal year, April to March, by the year in which it begins. */
  readonly fiscalYear: number;
  readonly budgetCode: string | null;
  readonly dryRun: boolean;
  readonly amountPoints: number;
}

/** The commitment is less from now on. What is drawn or leased is never lowered. */
export interface FundLowered {
  readonly fundId: string;
  readonly ownerId: string;
  readonly dryRun: boolean;
  readonly points: number;
  /** `lowered`: the plan changed · `returned`: what is left goes back to the budget · `carried_over`: to a later year's fund. */
  readonly reason: FundLoweringReason;
  /** The fund that the points are carried over to: its FundCommitted has this event as its cause. */
  readonly toFundId: string | null;
}

export const fundLoweringReasons = ['lowered', 'returned', 'carried_over'] as const;
export type FundLoweringReason = (typeof fundLoweringReasons)[number];

export interface FundLeased {
  readonly fundId: string;
  /** The id of this very event: what follows on the lease's stream has ids derived from it. */
  readonly leaseId: string;
  /** Number of the worker that may draw: it survives a restart. */
  readonly slot: number;
  /** The log of the accounts that the lease pays; absent for log 0. */
  readonly log?: number;
  readonly points: number;
}

export interface FundReturned {
  readonly fundId: string;
  readonly leaseId: string;
  readonly points: number;
}

export interface Fund {
  readonly fundId: string;
  readonly ownerId: string;
  readonly name: string;
  readonly fiscalYear: number;
  readonly budgetCode: string | null;
  readonly dryRun: boolean;
  readonly committedPoints: number;
  /** Committed, and neither under a lease nor drawn. */
  readonly unleasedPoints: number;
  /** Leases whose rest has not come back to this stream. */
  readonly leases: ReadonlyMap<string, FundLeased>;
}

/** Limit of one commitment: ten times Japan's yearly budget, so that sums over all funds stay safe integers. */
export const commitmentPointsMax = 1_000_000_000_000_000;

export function fundStream(fundId: string): string {
  return `fund-${fundId}`;
}

export function evolveFund(fund: Fund | undefined, event: FundEvent): Fund {
  switch (event.type) {
    case 'FundCommitted':
      return committed(fund, event.data);
    case 'FundLowered': {
      const known = existing(fund);
      const { points } = event.data;
      return {
        ...known,
        committedPoints: subtractPoints(known.committedPoints, points),
        unleasedPoints: subtractPoints(known.unleasedPoints, points),
      };
    }
    case 'FundLeased': {
      const known = existing(fund);
      return {
        ...known,
        unleasedPoints: subtractPoints(known.unleasedPoints, event.data.points),
        leases: new Map(known.leases).set(event.data.leaseId, event.data),
      };
    }
    case 'FundReturned': {
      const known = existing(fund);
      const leases = new Map(known.leases);
      if (!leases.delete(event.data.leaseId)) throw new Error(`lease ${event.data.leaseId} came back twice`);
      return { ...known, unleasedPoints: addPoints(known.unleasedPoints, event.data.points), leases };
    }
  }
}

export function foldFund(events: Iterable<{ readonly type: string; readonly data: unknown }>): Fund | undefined {
  let fund: Fund | undefined;
  for (const event of events) fund = evolveFund(fund, event as FundEvent);
  return fund;
}

/** Whether a raise keeps the fund's total a number that can be counted. */
export function canRaise(fund: Fund, amountPoints: number): boolean {
  return fund.committedPoints + amountPoints <= commitmentPointsMax;
}

export type CarryOverRefusal = 'point_ledger.carry_over_mismatch' | 'point_ledger.commitment_too_large';

/** Whether so many points of a fund may go over to another: the owner's, of the same kind, of a later fiscal year. */
export function canCarryOver(from: Fund, to: Fund | undefined, points: number): Result<Fund, CarryOverRefusal> {
  const fits = to?.ownerId === from.ownerId && to.dryRun === from.dryRun && to.fiscalYear > from.fiscalYear;
  if (!fits) return refuse('point_ledger.carry_over_mismatch');
  return canRaise(to, points) ? ok(to) : refuse('point_ledger.commitment_too_large');
}

/**
 * Size of the next lease: what is wanted, or an eighth of what is left where that is more. So a large fund is leased
 * rarely, and the slices shrink as it runs out: less lies idle under the leases of others near the end.
 */
export function leaseSize(unleasedPoints: number, wantedPoints: number): number {
  return Math.min(unleasedPoints, Math.max(1, wantedPoints, Math.floor(unleasedPoints / 8)));
}

function committed(fund: Fund | undefined, data: FundCommitted): Fund {
  if (!fund) {
    const { amountPoints, ...terms } = data;
    return { ...terms, committedPoints: amountPoints, unleasedPoints: amountPoints, leases: new Map() };
  }
  return {
    ...fund,
    committedPoints: addPoints(fund.committedPoints, data.amountPoints),
    unleasedPoints: addPoints(fund.unleasedPoints, data.amountPoints),
  };
}

function existing(fund: Fund | undefined): Fund {
  if (!fund) throw new Error('a fund begins with FundCommitted');
  return fund;
}
