import { Inject, Injectable } from '@nestjs/common';
import { appendSurely, type EventLog, type RecordedEvent } from '@tsunagu/event-store';
import { type Clock, isoTime, newId } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import { type Fund, type FundLeased, type FundReturned, foldFund, fundStream, leaseSize } from '../domain/fund.js';
import type { Funding } from '../domain/grant.js';
import { foldLease, type Lease, type LeaseClosed, type LeaseOpened, leaseIds, leaseStream } from '../domain/lease.js';
import { contested, expected, ledgerEvent } from './recording.js';
import { WorkerSlot } from './worker-slot.js';

/** The lease this worker draws from, as of its own last append or read. */
export interface OwnLease {
  readonly leaseId: string;
  readonly revision: number;
  readonly restPoints: number;
  /** Another one after every look at the log and every doubt: what was planned under an older one rests on nothing. */
  readonly epoch: number;
}

/** What a decision is made on, with the lease to draw from and the revisions that were read. */
export interface FundingAtHand {
  readonly funding: Funding;
  readonly lease: OwnLease | undefined;
  readonly reads: Readonly<Record<string, number>>;
}

interface LeaseSeen {
  readonly leased: FundLeased;
  readonly lease: Lease | undefined;
  readonly revision: number;
}

interface FundSeen {
  readonly fund: Fund;
  readonly revision: number;
  /** Every lease whose rest is not back, in the order leased. */
  readonly leases: readonly LeaseSeen[];
}

/** Each round loses only to another writer of the same fund, who got on by it. */
const ROUNDS_MAX = 50;
/** A lease that moves is left to its holder for so many looks, then called back all the same. */
const LOOKS_MAX = 4;

/**
 * This worker's leases: one a fund. Opening and closing take two steps on two streams, each with an id derived from the
 * lease, so a step that a crash left out is repeated by whoever meets it (DESIGN: a fund's cap without a hot stream).
 */
@Injectable()
export class Leases {
  private lastEpoch = 0;
  private readonly own = new Map<string, OwnLease & { readonly fund: Fund; readonly isStale: boolean }>();
  /** By fund, then lease: what the last call back saw. */
  private readonly looks = new Map<
    string,
    ReadonlyMap<string, { readonly revision: number; readonly count: number }>
  >();

  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly slot: WorkerSlot,
  ) {}

  /** Funding for claims of `wantedPoints` in all: the lease at hand where it covers them, else as much as can be leased. */
  async secure(fundId: string, wantedPoints: number): Promise<FundingAtHand> {
    const own = this.own.get(fundId);
    if (own && this.covers(fundId, wantedPoints)) return atHand(own.fund, own, undefined, {});
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const seen = await this.look(fundId);
      if (!seen) return { funding: { known: false }, lease: undefined, reads: { [fundStream(fundId)]: -1 } };
      const mine = this.refresh(fundId, seen);
      if (await this.tidied(seen, mine)) continue;
      if (mine && mine.restPoints >= wantedPoints) return atHand(seen.fund, mine, undefined, {});
      if (seen.fund.unleasedPoints === 0) return this.allThatIsLeft(seen, mine);
      if (mine) await this.end(seen, mine.leaseId);
      else await this.open(seen, wantedPoints);
    }
    throw contested(`fund ${fundId}: no lease after ${ROUNDS_MAX} rounds`);
  }

  /** Whether the lease at hand is enough for so many points, as far as is known without reading. */
  covers(fundId: string, wantedPoints: number): boolean {
    const own = this.own.get(fundId);
    return own !== undefined && !own.isStale && own.restPoints >= wantedPoints;
  }

  /** Tells what an append is about to draw, so that the next one goes on from there without reading. */
  drawn(fundId: string, points: number) {
    const own = this.own.get(fundId);
    if (own) this.own.set(fundId, { ...own, revision: own.revision + 1, restPoints: own.restPoints - points });
  }

  /** Whether nothing was doubted or read anew since a lease was handed out under this epoch. */
  isCurrent(fundId: string, epoch: number): boolean {
    return this.own.get(fundId)?.epoch === epoch;
  }

  /** Tells that an append conflicted: the lease is read again before its next use. */
  distrust(fundId: string) {
    const own = this.own.get(fundId);
    if (own) this.own.set(fundId, { ...own, isStale: true, epoch: this.nextEpoch() });
  }

  /**
   * Calls back the leases of others that stand in the way of a decision. A lease that moved since the last call is left
   * to its holder a few times: it is being drawn for claims as good as ours.
   */
  async callBack(fundId: string): Promise<void> {
    const seen = await this.look(fundId);
    const own = this.own.get(fundId)?.leaseId;
    const looks = new Map<string, { revision: number; count: number }>();
    for (const { leased, revision } of seen?.leases ?? []) {
      if (leased.leaseId === own) continue;
      const before = this.looks.get(fundId)?.get(leased.leaseId);
      if (before && (before.revision === revision || before.count >= LOOKS_MAX)) {
        if (seen) await this.end(seen, leased.leaseId);
      } else looks.set(leased.leaseId, { revision, count: (before?.count ?? 0) + 1 });
    }
    this.looks.set(fundId, looks);
  }

  /** Repeats what is missing of a lease's steps: for the sweeper and a worker that starts. Never touches this worker's own. */
  async repair(fundId: string, leaseId: string, options: { readonly close: boolean }): Promise<void> {
    if (this.own.get(fundId)?.leaseId === leaseId) return;
    const seen = await this.look(fundId);
    const found = seen?.leases.find((candidate) => candidate.leased.leaseId === leaseId);
    if (!seen || !found) return;
    if (options.close || found.lease?.open === false) await this.end(seen, leaseId);
    else if (!found.lease) await this.begin(seen.fund, found.leased);
  }

  isOwn(fundId: string, leaseId: string): boolean {
    return this.own.get(fundId)?.leaseId === leaseId;
  }

  /** The fund and its outstanding leases, in one snapshot once their names are known. */
  async look(fundId: string): Promise<FundSeen | undefined> {
    const stream = fundStream(fundId);
    let names: readonly string[] = [];
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const streams = await this.log.readStreams([stream, ...names]);
      const events = streams.get(stream) ?? [];
      const fund = foldFund(events);
      if (!fund) return undefined;
      const missing = [...fund.leases.keys()].map(leaseStream).filter((name) => !names.includes(name));
      if (missing.length === 0) return { fund, revision: events.length - 1, leases: leasesSeen(fund, streams) };
      names = [...fund.leases.keys()].map(leaseStream);
    }
    throw contested(`fund ${fundId}: its leases change faster than they can be read`);
  }

  /** Points of the fund that no grant has drawn, those under open leases included. Undefined where there is no such fund. */
  async undrawn(fundId: string): Promise<{ readonly fund: Fund; readonly undrawnPoints: number } | undefined> {
    const seen = await this.look(fundId);
    if (!seen) return undefined;
    const underLeases = seen.leases.reduce((sum, { leased, lease }) => sum + (lease?.restPoints ?? leased.points), 0);
    return { fund: seen.fund, undrawnPoints: seen.fund.unleasedPoints + underLeases };
  }

  private nextEpoch(): number {
    this.lastEpoch += 1;
    return this.lastEpoch;
  }

  private refresh(fundId: string, seen: FundSeen): OwnLease | undefined {
    const known = this.own.get(fundId);
    const found = seen.leases.find((candidate) => candidate.leased.leaseId === known?.leaseId);
    if (!found?.lease?.open) {
      this.own.delete(fundId);
      return undefined;
    }
    const mine = {
      leaseId: found.lease.leaseId,
      revision: found.revision,
      restPoints: found.lease.restPoints,
      epoch: this.nextEpoch(),
    };
    this.own.set(fundId, { ...mine, fund: seen.fund, isStale: false });
    return mine;
  }

  /** Ends leases that are closed but not back, and those of this slot's predecessor. True where there was one. */
  private async tidied(seen: FundSeen, mine: OwnLease | undefined): Promise<boolean> {
    const slot = await this.slot.number();
    const left = seen.leases.find(
      ({ leased, lease }) => leased.leaseId !== mine?.leaseId && (leased.slot === slot || lease?.open === false),
    );
    if (left) await this.end(seen, left.leased.leaseId);
    return left !== undefined;
  }

  private allThatIsLeft(seen: FundSeen, mine: OwnLease | undefined): FundingAtHand {
    const elsewhere = {
      unleasedPoints: seen.fund.unleasedPoints,
      othersOpen: seen.leases.some(({ leased }) => leased.leaseId !== mine?.leaseId),
    };
    const reads = {
      [fundStream(seen.fund.fundId)]: seen.revision,
      ...(mine ? { [leaseStream(mine.leaseId)]: mine.revision } : {}),
    };
    return atHand(seen.fund, mine, elsewhere, reads);
  }

  private async open(seen: FundSeen, wantedPoints: number): Promise<void> {
    const { fund } = seen;
    const now = this.clock.now();
    const leaseId = newId(now);
    const points = leaseSize(fund.unleasedPoints, wantedPoints);
    const leased: FundLeased = { fundId: fund.fundId, leaseId, slot: await this.slot.number(), points };
    const event = ledgerEvent(
      { type: 'FundLeased', data: leased },
      { id: leaseId, cause: { id: null, correlationId: leaseId }, effectiveAt: isoTime(now), ownerId: fund.ownerId },
    );
    const write = { stream: fundStream(fund.fundId), expectedRevision: expected(seen.revision), events: [event] };
    const [outcome] = await appendSurely(this.log, [{ writes: [write] }]);
    if (outcome?.outcome === 'conflict') return;
    if (!(await this.begin(fund, leased))) return;
    this.own.set(fund.fundId, {
      leaseId,
      revision: 0,
      restPoints: points,
      fund,
      isStale: false,
      epoch: this.nextEpoch(),
    });
  }

  /** The second step of opening. False where the lease went another way meanwhile. */
  private async begin(fund: Fund, leased: FundLeased): Promise<boolean> {
    const write = {
      stream: leaseStream(leased.leaseId),
      expectedRevision: 'noStream' as const,
      events: [this.opened(fund, leased)],
    };
    const [outcome] = await appendSurely(this.log, [{ writes: [write] }]);
    return outcome?.outcome === 'appended';
  }

  /** Closes a lease, whoever's it is, and brings its rest back. Losing to another writer is no error: the caller looks again. */
  private async end(seen: FundSeen, leaseId: string): Promise<void> {
    const { fund } = seen;
    const found = seen.leases.find((candidate) => candidate.leased.leaseId === leaseId);
    if (!found) return;
    const { leased, lease, revision } = found;
    if (this.own.get(fund.fundId)?.leaseId === leaseId) this.own.delete(fund.fundId);
    const restPoints = lease?.restPoints ?? leased.points;
    if (lease?.open !== false) {
      const closed = this.step('LeaseClosed', leaseIds.closed(leaseId), fund, {
        leaseId,
        fundId: fund.fundId,
        restPoints,
      });
      const events = lease ? [closed] : [this.opened(fund, leased), closed];
      const write = { stream: leaseStream(leaseId), expectedRevision: expected(revision), events };
      const [outcome] = await appendSurely(this.log, [{ writes: [write] }]);
      // A duplicate was closed by somebody else, perhaps with another rest: only what is recorded counts.
      if (outcome?.outcome !== 'appended') return;
    }
    const returned = this.step('FundReturned', leaseIds.returned(leaseId), fund, {
      fundId: fund.fundId,
      leaseId,
      points: restPoints,
    });
    const write = { stream: fundStream(fund.fundId), expectedRevision: expected(seen.revision), events: [returned] };
    await appendSurely(this.log, [{ writes: [write] }]);
  }

  private opened(fund: Fund, leased: FundLeased) {
    const { leaseId, fundId, slot, points } = leased;
    return this.step('LeaseOpened', leaseIds.opened(leaseId), fund, { leaseId, fundId, slot, points });
  }

  private step(type: string, id: string, fund: Fund, data: LeaseOpened | LeaseClosed | FundReturned) {
    const cause = { id: data.leaseId, correlationId: data.leaseId };
    return ledgerEvent({ type, data }, { id, cause, effectiveAt: isoTime(this.clock.now()), ownerId: fund.ownerId });
  }
}

function atHand(
  fund: Fund,
  lease: OwnLease | undefined,
  elsewhere: { unleasedPoints: number; othersOpen: boolean } | undefined,
  reads: Readonly<Record<string, number>>,
): FundingAtHand {
  const { ownerId, dryRun } = fund;
  return { funding: { known: true, ownerId, dryRun, restPoints: lease?.restPoints ?? 0, elsewhere }, lease, reads };
}

function leasesSeen(fund: Fund, streams: ReadonlyMap<string, readonly RecordedEvent[]>): LeaseSeen[] {
  return [...fund.leases.values()].map((leased) => {
    const events = streams.get(leaseStream(leased.leaseId)) ?? [];
    return { leased, lease: foldLease(events), revision: events.length - 1 };
  });
}
