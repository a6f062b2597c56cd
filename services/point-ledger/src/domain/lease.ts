import { addPoints, derivedId, subtractPoints } from '@tsunagu/kernel';

/** One worker's right to draw a part of one fund. Its stream is written by its holder only, until anyone closes it. */
export type LeaseEvent =
  | { readonly type: 'LeaseOpened'; readonly data: LeaseOpened }
  | { readonly type: 'FundDrawn'; readonly data: FundDrawn }
  | { readonly type: 'LeaseClosed'; readonly data: LeaseClosed };

export interface LeaseOpened {
  readonly leaseId: string;
  readonly fundId: string;
  readonly slot: number;
  readonly points: number;
}

/** The draw of all grants of one append request, which is atomic with them. */
export interface FundDrawn {
  readonly leaseId: string;
  readonly fundId: string;
  readonly points: number;
  readonly grants: number;
}

export interface LeaseClosed {
  readonly leaseId: string;
  readonly fundId: string;
  readonly restPoints: number;
}

export interface Lease {
  readonly leaseId: string;
  readonly fundId: string;
  readonly points: number;
  readonly drawnPoints: number;
  /** What can still be drawn; once closed, what goes back to the fund. */
  readonly restPoints: number;
  readonly open: boolean;
}

/** Every lease's stream begins so. */
export const leaseStreamPrefix = 'fundLease-';

/** A lease lies in the log of the accounts that it pays, because a draw is one request with its grants. Log 0 goes unsaid. */
export function leaseStream({ leaseId, log = 0 }: { readonly leaseId: string; readonly log?: number }): string {
  return log === 0 ? `${leaseStreamPrefix}${leaseId}` : `${leaseStreamPrefix}${log}+${leaseId}`;
}

/** The log that the name of a lease's stream says; 0 for any other name. */
export function leaseLog(stream: string): number {
  return Number(/^fundLease-([1-9]\d{0,2})\+/.exec(stream)?.[1] ?? 0);
}

/** Ids of the steps of a lease: each happens at most once, whoever takes it and however often. */
export const leaseIds = {
  opened: (leaseId: string) => derivedId('LeaseOpened', leaseId),
  closed: (leaseId: string) => derivedId('LeaseClosed', leaseId),
  returned: (leaseId: string) => derivedId('FundReturned', leaseId),
  /** By the first claim drawn for, which is granted once only; the lease is in it because an id belongs to one stream for ever. */
  drawn: (leaseId: string, claimEventId: string) => derivedId(`FundDrawn ${leaseId}`, claimEventId),
};

export function evolveLease(lease: Lease | undefined, event: LeaseEvent): Lease {
  if (event.type === 'LeaseOpened') {
    if (lease) throw new Error(`lease ${event.data.leaseId} opened twice`);
    const { leaseId, fundId, points } = event.data;
    return { leaseId, fundId, points, drawnPoints: 0, restPoints: points, open: true };
  }
  if (!lease?.open) throw new Error(`lease ${event.data.leaseId} is not open`);
  if (event.type === 'FundDrawn') {
    return {
      ...lease,
      drawnPoints: addPoints(lease.drawnPoints, event.data.points),
      restPoints: subtractPoints(lease.restPoints, event.data.points),
    };
  }
  if (event.data.restPoints !== lease.restPoints) throw new Error(`lease ${lease.leaseId} closed with a wrong rest`);
  return { ...lease, open: false };
}

export function foldLease(events: Iterable<{ readonly type: string; readonly data: unknown }>): Lease | undefined {
  let lease: Lease | undefined;
  for (const event of events) lease = evolveLease(lease, event as LeaseEvent);
  return lease;
}
