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
  readonly log: number;
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
 * This worker's leases: one for each log of a fund's claims. Opening and closing take two steps on two streams, each with an id derived from the
 * lease, so a step that a crash left out is repeated by whoever meets it (DESIGN: a fund's cap without a hot stream).
 */
@Injectable()
export class Leases {
  private lastEpoch = 0;
  /** By fund and log. */
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

  /**
   * Funding for claims of `wantedPoints` in all, on accounts of one log: the lease at hand where it covers them, else as
   * much as can be leased.
   */
  async secure(fundId: string, wantedPoints: number, log = 0): Promise<FundingAtHand> {
    const own = this.own.get(placed(fundId, log));
    if (own && this.covers(fundId, wantedPoints, log)) return atHand(own.fund, own, undefined, {});
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const seen = await this.look(fundId);
      if (!seen) return { funding: { known: false }, lease: undefined, reads: { [fundStream(fundId)]: -1 } };
      const mine = this.refresh(fundId, log, seen);
      if (await this.tidied(seen, mine)) continue;
      if (mine && mine.restPoints >= wantedPoints) return atHand(seen.fund, mine, undefined, {});
      if (seen.fund.unleasedPoints === 0) return this.allThatIsLeft(seen, mine);
      if (mine) await this.end(seen, mine.leaseId);
      else await this.open(seen, wantedPoints, log);
    }
    throw contested(`fund ${fundId}: no lease after ${ROUNDS_MAX} rounds`);
  }

  /** Whether the lease at hand is enough for so many points, as far as is known without reading. */
  covers(fundId: string, wantedPoints: number, log = 0): boolean {
    const own = this.own.get(placed(fundId, log));
    return own !== undefined && !own.isStale && own.restPoints >= wantedPoints;
  }

  /** Tells what an append is about to draw, so that the next one goes on from there without reading. */
  drawn(fundId: string, points: number, log = 0) {
    const own = this.own.get(placed(fundId, log));
    if (own)
      this.own.set(placed(fundId, log), { ...own, revision: own.revision + 1, restPoints: own.restPoints - points });
  }

  /** Whether nothing was doubted or read anew since a lease was handed out under this epoch. */
  isCurrent(fundId: string, epoch: number, log = 0): boolean {
    return this.own.get(placed(fundId, log))?.epoch === epoch;
  }

  /** Tells that an append conflicted: the lease is read again before its next use. */
  distrust(fundId: string, log = 0) {
    const own = this.own.get(placed(fundId, log));
    if (own) this.own.set(placed(fundId, log), { ...own, isStale: true, epoch: this.nextEpoch() });
  }

  /**
   * Calls back the leases that stand in the way of a decision on accounts of a log: those of others, and this worker's own
   * for other logs. A lease that moved since the last call is left to its holder a few times: it is being drawn for claims
   * as good as ours.
   */
  async callBack(fundId: string, log = 0): Promise<void> {
    const seen = await this.look(fundId);
    const own = this.own.get(placed(fundId, log))?.leaseId;
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

  /** Ends every lease of a fund, this worker's own included: what is left of it is wanted for something else. */
  async bringBack(fundId: string): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const seen = await this.look(fundId);
      const [first] = seen?.leases ?? [];
      if (!seen || !first) return;
      await this.end(seen, first.leased.leaseId);
    }
  }

  /** Repeats what is missing of a lease's steps: for the sweeper and a worker that starts. Never touches this worker's own. */
  async repair(fundId: string, leaseId: string, options: { readonly close: boolean }): Promise<void> {
    if (this.isOwn(fundId, leaseId)) return;
    const seen = await this.look(fundId);
    const found = seen?.leases.find((candidate) => candidate.leased.leaseId === leaseId);
    if (!seen || !found) return;
    if (options.close || found.lease?.open === false) await this.end(seen, leaseId);
    else if (!found.lease) await this.begin(seen.fund, found.leased);
  }

  isOwn(fundId: string, leaseId: string): boolean {
    return this.placeOfOwn(fundId, leaseId) !== undefined;
  }

  /**
   * The fund and its outstanding leases, in one snapshot a log once their names are known. A lease of another log may be
   * seen a moment later or earlier than the fund. That decides nothing: whether one is out stands on the fund's own stream,
   * and what is left of this worker's lease only this worker changes.
   */
  async look(fundId: string): Promise<FundSeen | undefined> {
    const stream = fundStream(fundId);
    let names: readonly string[] = [];
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const streams = await this.log.readStreams([stream, ...names]);
      const events = streams.get(stream) ?? [];
      const fund = foldFund(events);
      if (!fund) return undefined;
      const out = [...fund.leases.values()].map(leaseStream);
      const missing = out.filter((name) => !names.includes(name));
      if (missing.length === 0) return { fund, revision: events.length - 1, leases: leasesSeen(fund, streams) };
      names = out;
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

  private refresh(fundId: string, log: number, seen: FundSeen): OwnLease | undefined {
    const place = placed(fundId, log);
    const known = this.own.get(place);
    const found = seen.leases.find((candidate) => candidate.leased.leaseId === known?.leaseId);
    if (!found?.lease?.open) {
      this.own.delete(place);
      return undefined;
    }
    const mine = {
      leaseId: found.lease.leaseId,
      log,
      revision: found.revision,
      restPoints: found.lease.restPoints,
      epoch: this.nextEpoch(),
    };
    this.own.set(place, { ...mine, fund: seen.fund, isStale: false });
    return mine;
  }

  /** Ends leases that are closed but not back, and those of this slot's predecessor. True where there was one. */
  private async tidied(seen: FundSeen, mine: OwnLease | undefined): Promise<boolean> {
    const slot = await this.slot.number();
    const left = seen.leases.find(
      ({ leased: { fundId, leaseId, ...leased }, lease }) =>
        leaseId !== mine?.leaseId && (lease?.open === false || (leased.slot === slot && !this.isOwn(fundId, leaseId))),
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
      ...(mine ? { [leaseStream(mine)]: mine.revision } : {}),
    };
    return atHand(seen.fund, mine, elsewhere, reads);
  }

  private async open(seen: FundSeen, wantedPoints: number, log: number): Promise<void> {
    const { fund } = seen;
    const now = this.clock.now();
    const leaseId = newId(now);
    const points = leaseSize(fund.unleasedPoints, wantedPoints);
    const slot = await this.slot.number();
    const leased: FundLeased = { fundId: fund.fundId, leaseId, slot, ...(log === 0 ? {} : { log }), points };
    const event = ledgerEvent(
      { type: 'FundLeased', data: leased },
      { id: leaseId, cause: { id: null, correlationId: leaseId }, effectiveAt: isoTime(now), ownerId: fund.ownerId },
    );
    const write = { stream: fundStream(fund.fundId), expectedRevision: expected(seen.revision), events: [event] };
    const [outcome] = await appendSurely(this.log, [{ writes: [write] }]);
    if (outcome?.outcome === 'conflict') return;
    if (!(await this.begin(fund, leased))) return;
    this.own.set(placed(fund.fundId, log), {
      leaseId,
      log,
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
      stream: leaseStream(leased),
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
    const place = this.placeOfOwn(fund.fundId, leaseId);
    if (place) this.own.delete(place);
    const restPoints = lease?.restPoints ?? leased.points;
    if (lease?.open !== false) {
      const closed = this.step('LeaseClosed', leaseIds.closed(leaseId), fund, {
        leaseId,
        fundId: fund.fundId,
        restPoints,
      });
      const events = lease ? [closed] : [this.opened(fund, leased), closed];
      const write = { stream: leaseStream(leased), expectedRevision: expected(revision), events };
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

  private placeOfOwn(fundId: string, leaseId: string): string | undefined {
    for (const [place, own] of this.own) if (own.leaseId === leaseId && own.fund.fundId === fundId) return place;
    return undefined;
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

function placed(fundId: string, log: number): string {
  return `${fundId}+${log}`;
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
    const events = streams.get(leaseStream(leased)) ?? [];
    return { leased, lease: foldLease(events), revision: events.length - 1 };
  });
}
