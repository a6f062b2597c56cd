import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import {
  type AppendOutcome,
  type AppendRequest,
  appendSurely,
  type EventLog,
  type NewEvent,
  type StreamWrite,
} from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import { type Account, accountStream, foldAccount } from '../domain/account.js';
import { decideGrant, type GrantOrder, isDecided } from '../domain/grant.js';
import { leaseIds, leaseStream } from '../domain/lease.js';
import { type FundingAtHand, Leases, type OwnLease } from './leases.js';
import { type Cause, contested, expected, ledgerEvent } from './recording.js';

/** A claim to decide, and the recorded ClaimAccepted or ClaimReopened that asks for it. */
export interface ClaimToDecide {
  readonly order: GrantOrder;
  readonly cause: Cause & { readonly id: string };
}

/** Grants in one append request. A larger batch takes several requests, which share a commit all the same. */
const GRANTS_PER_REQUEST_MAX = 500;
/** A claim that lost so many races for its account goes in a request of its own. */
const COLLISIONS_TOGETHER_MAX = 2;
/** Rounds in a row in which nothing could be decided: then it is an outage, and the feed brings the batch again. */
const IDLE_ROUNDS_MAX = 60;

interface Pending extends ClaimToDecide {
  collisions: number;
}

interface AccountSeen {
  readonly account: Account;
  readonly revision: number;
}

interface Decided {
  readonly claim: Pending;
  readonly write: StreamWrite;
  readonly points: number;
}

/** A request about to be appended, the claims that it decides, and the fund whose lease it draws from. */
interface Planned {
  readonly request: AppendRequest;
  readonly claims: readonly Pending[];
  readonly fundId: string | undefined;
  readonly points: number;
}

/**
 * Decides batches of claims: one read of the accounts, the decision of each on its folded account, and one append in which
 * the grants of a fund and their draw on the lease are atomic. What came before is known by the fold and by ids derived
 * from the claim's event, so a batch may come again, cut differently, at any worker.
 */
@Injectable()
export class Grants {
  private last: Promise<void> = Promise.resolve();

  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly leases: Leases,
  ) {}

  /** Resolves when every claim of the batch has its decision on the log. Batches of one worker follow each other: they share its leases. */
  decide(claims: readonly ClaimToDecide[]): Promise<void> {
    const turn = this.last.then(() => this.decideBatch(claims));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async decideBatch(claims: readonly ClaimToDecide[]): Promise<void> {
    const accounts = new Map<string, AccountSeen>();
    let pending: Pending[] = claims.map((claim) => ({ ...claim, collisions: 0 }));
    for (let idle = 0; pending.length > 0; ) {
      if (idle > IDLE_ROUNDS_MAX) throw contested(`${pending.length} claims undecided after ${idle} idle rounds`);
      const settled = await this.decideRound(firstOfEachPerson(pending), accounts);
      pending = pending.filter((claim) => !settled.has(claim));
      if (settled.size > 0) idle = 0;
      else {
        idle += 1;
        // Back-off with jitter, real time: two workers that want each other's lease must not keep in step.
        await pause(10 + Math.random() * 40);
      }
    }
  }

  /**
   * Decides part after part, each while the one before it is still being recorded. What an unrecorded draw leaves of the
   * lease is taken for granted: if it is not recorded after all, the next part's draw conflicts and is decided again.
   * Gives the claims that are done, now or before. The others lost a race or wait for a lease.
   */
  private async decideRound(round: readonly Pending[], accounts: Map<string, AccountSeen>): Promise<Set<Pending>> {
    const settled = new Set<Pending>();
    const waiting = new Set<string>();
    const parts = [...chunks(round, GRANTS_PER_REQUEST_MAX)];
    const reads = parts.map((part) => awaitedLater(this.readAccounts(part, accounts)));
    const recordings: Promise<void>[] = [];
    for (const [index, part] of parts.entries()) {
      await reads[index];
      const planned: Planned[] = [];
      const now = isoTime(this.clock.now());
      for (const [fundId, claims] of undecidedByFund(part, accounts, settled)) {
        const wanted = claims.reduce((sum, claim) => sum + claim.order.amountPoints, 0);
        // What is read of a lease must not lack draws that are on their way.
        if (!this.leases.covers(fundId, wanted)) await Promise.all(recordings);
        const plan = planFund(claims, await this.leases.secure(fundId, wanted), accounts, now);
        for (const { points } of plan.planned) if (points > 0) this.leases.drawn(fundId, points);
        planned.push(...plan.planned);
        if (plan.waits) waiting.add(fundId);
      }
      recordings.push(awaitedLater(this.recordPlanned(planned, accounts, settled)));
    }
    await Promise.all(recordings);
    for (const fundId of waiting) await this.leases.callBack(fundId);
    return settled;
  }

  private async recordPlanned(
    planned: readonly Planned[],
    accounts: Map<string, AccountSeen>,
    settled: Set<Pending>,
  ): Promise<void> {
    if (planned.length === 0) return;
    const requests = planned.map((plan) => plan.request);
    try {
      this.takeIn(planned, await appendSurely(this.log, requests), accounts, settled);
    } catch (error) {
      for (const { fundId } of planned) if (fundId) this.leases.distrust(fundId);
      throw error;
    }
  }

  private takeIn(
    planned: readonly Planned[],
    outcomes: readonly AppendOutcome[],
    accounts: Map<string, AccountSeen>,
    settled: Set<Pending>,
  ) {
    planned.forEach((plan, index) => {
      const outcome = outcomes[index];
      for (const { order } of plan.claims) accounts.delete(order.personId);
      if (outcome?.outcome !== 'appended' && plan.fundId) this.leases.distrust(plan.fundId);
      if (outcome?.outcome === 'conflict') countCollisions(plan, outcome.actualRevisions);
      else for (const claim of plan.claims) settled.add(claim);
    });
  }

  private async readAccounts(claims: readonly Pending[], accounts: Map<string, AccountSeen>): Promise<void> {
    const missing = claims.map((claim) => claim.order.personId).filter((personId) => !accounts.has(personId));
    if (missing.length === 0) return;
    const streams = await this.log.readStreams(missing.map(accountStream));
    for (const personId of missing) {
      const events = streams.get(accountStream(personId)) ?? [];
      accounts.set(personId, { account: foldAccount(events), revision: events.length - 1 });
    }
  }
}

/** One claim a person in a round: its decision is on the log before the person's next claim is decided. */
function firstOfEachPerson(pending: readonly Pending[]): Pending[] {
  const persons = new Set<string>();
  return pending.filter(({ order }) => !persons.has(order.personId) && persons.add(order.personId));
}

function undecidedByFund(
  claims: readonly Pending[],
  accounts: ReadonlyMap<string, AccountSeen>,
  settled: Set<Pending>,
): Map<string, Pending[]> {
  const byFund = new Map<string, Pending[]>();
  for (const claim of claims) {
    const { order } = claim;
    if (isDecided(seenAccount(accounts, order.personId).account, order)) {
      settled.add(claim);
      continue;
    }
    const group = byFund.get(order.fundId);
    if (group) group.push(claim);
    else byFund.set(order.fundId, [claim]);
  }
  return byFund;
}

function planFund(
  claims: readonly Pending[],
  hand: FundingAtHand,
  accounts: ReadonlyMap<string, AccountSeen>,
  now: string,
): { readonly planned: Planned[]; readonly waits: boolean } {
  const refusals: Planned[] = [];
  const together: Decided[] = [];
  const alone: Decided[] = [];
  let { funding } = hand;
  let waits = false;
  for (const claim of claims) {
    const { order, cause } = claim;
    const { account, revision } = seenAccount(accounts, order.personId);
    const eventId = derivedId('grant', cause.id);
    // A lot is named by the event that made it.
    const decision = decideGrant(account, order, funding, eventId, now);
    if (decision.outcome !== 'decided') {
      waits ||= decision.outcome === 'waits';
      continue;
    }
    const { event } = decision;
    const isGrant = event.type === 'PointsGranted';
    // The draws planned above may yet conflict: whether the fund is exhausted after them is decided on the lease as recorded.
    if (!isGrant && event.data.reasonCode === 'fund_exhausted' && together.length + alone.length > 0) continue;
    const ownerId = funding.known ? funding.ownerId : null;
    const meta = { id: eventId, cause, effectiveAt: now, ownerId, ...(isGrant ? {} : { reads: hand.reads }) };
    const write = writeOf(accountStream(order.personId), revision, ledgerEvent(event, meta));
    if (!isGrant) {
      refusals.push({ request: { writes: [write] }, claims: [claim], fundId: undefined, points: 0 });
      continue;
    }
    if (funding.known) funding = { ...funding, restPoints: funding.restPoints - order.amountPoints };
    const group = claim.collisions >= COLLISIONS_TOGETHER_MAX ? alone : together;
    group.push({ claim, write, points: order.amountPoints });
  }
  return { planned: [...drawRequests(together, alone, hand, now), ...refusals], waits };
}

/** The requests of the grants from one lease, each with its draw: they take effect one after the other. */
function drawRequests(
  together: readonly Decided[],
  alone: readonly Decided[],
  hand: FundingAtHand,
  now: string,
): Planned[] {
  const { lease } = hand;
  if (!lease) return [];
  const groups = [...chunks(together, GRANTS_PER_REQUEST_MAX), ...chunks(alone, 1)];
  return groups.map((group, index) => drawRequest(group, lease, lease.revision + index, hand, now));
}

function drawRequest(
  grants: readonly Decided[],
  lease: OwnLease,
  leaseRevision: number,
  hand: FundingAtHand,
  now: string,
): Planned {
  const first = grants[0]?.claim;
  if (!first) throw new Error('a draw is for at least one grant');
  const points = grants.reduce((sum, grant) => sum + grant.points, 0);
  const { fundId } = first.order;
  const draw = ledgerEvent(
    { type: 'FundDrawn', data: { leaseId: lease.leaseId, fundId, points, grants: grants.length } },
    {
      id: leaseIds.drawn(lease.leaseId, first.cause.id),
      cause: first.cause,
      effectiveAt: now,
      ownerId: hand.funding.known ? hand.funding.ownerId : null,
    },
  );
  const writes = [...grants.map((grant) => grant.write), writeOf(leaseStream(lease.leaseId), leaseRevision, draw)];
  return { request: { writes }, claims: grants.map((grant) => grant.claim), fundId, points };
}

function writeOf(stream: string, revision: number, event: NewEvent): StreamWrite {
  return { stream, expectedRevision: expected(revision), events: [event] };
}

/** Only the claims whose own account moved collided; the others lost because they stood in the same request. */
function countCollisions(plan: Planned, actualRevisions: Readonly<Record<string, number>>) {
  for (const [index, claim] of plan.claims.entries()) {
    const write = plan.request.writes[index];
    if (write && expected(actualRevisions[write.stream] ?? -1) !== write.expectedRevision) claim.collisions += 1;
  }
}

function seenAccount(accounts: ReadonlyMap<string, AccountSeen>, personId: string): AccountSeen {
  const seen = accounts.get(personId);
  if (!seen) throw new Error('an account is read before it is decided on');
  return seen;
}

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** A promise that is awaited some steps later: its rejection is not an unhandled one until then. */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
