import { evolveFund, type Fund, type FundEvent, fundStream } from './fund.js';
import type { Funding } from './grant.js';
import { evolveLease, type Lease, type LeaseEvent, leaseStream, leaseStreamPrefix } from './lease.js';

/** What a decision saw of a fund. */
export interface FundSeen {
  readonly ownerId: string;
  readonly dryRun: boolean;
  readonly unleasedPoints: number;
  /** Streams of the leases that were out. */
  readonly leaseStreams: readonly string[];
}

export function fundSeen({ ownerId, dryRun, unleasedPoints, leases }: Fund): FundSeen {
  return { ownerId, dryRun, unleasedPoints, leaseStreams: [...leases.values()].map(leaseStream) };
}

/** A lease at a revision of its stream. */
export interface LeaseRead {
  readonly stream: string;
  readonly revision: number;
}

interface Decision {
  readonly type: string;
  readonly reads?: Readonly<Record<string, number>>;
}

/** The worker's own lease as a refusal says that it was read; undefined where it read none. */
export function leaseReadBy({ reads = {} }: Pick<Decision, 'reads'>): LeaseRead | undefined {
  for (const [stream, revision] of Object.entries(reads))
    if (stream.startsWith(leaseStreamPrefix)) return { stream, revision };
  return undefined;
}

/**
 * What a recorded decision had at hand. `restPoints`: of the lease just before the request's draw, for a grant; of the own
 * lease as it was read, for a refusal.
 */
export function fundingFrom(fund: FundSeen | undefined, decision: Decision, restPoints: number): Funding {
  if (!fund) return { known: false };
  const { ownerId, dryRun, unleasedPoints, leaseStreams } = fund;
  if (decision.type === 'PointsGranted') return { known: true, ownerId, dryRun, restPoints, elsewhere: undefined };
  const ownStream = leaseReadBy(decision)?.stream;
  const elsewhere = { unleasedPoints, othersOpen: leaseStreams.some((stream) => stream !== ownStream) };
  return { known: true, ownerId, dryRun, restPoints, elsewhere };
}

interface FundingEvent {
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly requestId: string;
  readonly data: unknown;
}

/**
 * Follows funds and leases in the order of the log, so that a decision can be made again without their streams. Keeps each
 * fund at each of its revisions (a launch leases it some dozens of times) and the leases that are out, as they stand now.
 */
export function followFunding() {
  const funds = new Map<string, { readonly revision: number; readonly fund: Fund; readonly seen: FundSeen }[]>();
  const leases = new Map<string, { readonly revision: number; readonly lease: Lease }>();
  /** Rest of a lease before the draw of the request that was taken last, by fund. */
  let drawn: { readonly requestId: string; readonly rests: Map<string, number> } | undefined;

  function take(event: FundingEvent) {
    const known = event as unknown as FundEvent | LeaseEvent;
    switch (known.type) {
      case 'FundCommitted':
      case 'FundLowered':
      case 'FundLeased':
      case 'FundReturned': {
        const { fundId } = known.data;
        const moments = funds.get(fundId) ?? [];
        funds.set(fundId, moments);
        const fund = evolveFund(moments.at(-1)?.fund, known);
        moments.push({ revision: event.revision, fund, seen: fundSeen(fund) });
        if (known.type !== 'FundReturned') return;
        for (const [stream, { lease }] of leases) if (lease.leaseId === known.data.leaseId) leases.delete(stream);
        return;
      }
      case 'LeaseOpened':
      case 'FundDrawn':
      case 'LeaseClosed': {
        const before = leases.get(event.stream)?.lease;
        if (known.type === 'FundDrawn') {
          if (drawn?.requestId !== event.requestId) drawn = { requestId: event.requestId, rests: new Map() };
          const { fundId } = known.data;
          if (!drawn.rests.has(fundId)) drawn.rests.set(fundId, before?.restPoints ?? 0);
        }
        leases.set(event.stream, { revision: event.revision, lease: evolveLease(before, known) });
      }
    }
  }

  return {
    /** Every event in an order that `leaseOrder` allows. One that cannot follow changes nothing here: `checkFunds` names it. */
    take(event: FundingEvent): void {
      try {
        take(event);
      } catch {}
    },
    /** Rest of the fund's lease before the draw of this request, the one taken last; 0 where it drew nothing. */
    restDrawn: (requestId: string, fundId: string) =>
      (drawn?.requestId === requestId ? drawn.rests.get(fundId) : undefined) ?? 0,
    /** Rest of a lease at a revision, where it is out and still stands there. */
    restAt: ({ stream, revision }: LeaseRead) => {
      const known = leases.get(stream);
      return known?.revision === revision ? known.lease.restPoints : undefined;
    },
    /** As a decision saw it: at the revision that it read, at the last one where it names none. */
    fundAsRead(fundId: string, { reads }: Pick<Decision, 'reads'>): FundSeen | undefined {
      const moments = funds.get(fundId) ?? [];
      const revision = reads?.[fundStream(fundId)];
      if (revision === undefined) return moments.at(-1)?.seen;
      const at = moments[revision];
      // Moments stand at their revisions unless the log was tampered with.
      return (at?.revision === revision ? at : moments.findLast((moment) => moment.revision <= revision))?.seen;
    },
  };
}

export type FundingFollowed = ReturnType<typeof followFunding>;
