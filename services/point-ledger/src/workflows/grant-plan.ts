import type { AppendRequest, NewEvent, StreamWrite } from '@tsunagu/event-store';
import { derivedId } from '@tsunagu/kernel';
import type { AccountSeen } from '../domain/account-snapshot.js';
import { type AccountRules, withConsequences } from '../domain/consequences.js';
import { decideGrant, type GrantOrder } from '../domain/grant.js';
import { leaseIds, leaseStream } from '../domain/lease.js';
import { eventsOf } from './account-acts.js';
import { seenAccount } from './accounts.js';
import type { FundingAtHand, OwnLease } from './leases.js';
import { type Cause, expected, ledgerEvent } from './recording.js';

/** A claim to decide, and the recorded ClaimAccepted or ClaimReopened that asks for it. */
export interface ClaimToDecide {
  readonly order: GrantOrder;
  readonly cause: Cause & { readonly id: string };
}

/** A claim that waits for its decision on the stream of its account, and how often it lost the race for that. */
export interface Pending extends ClaimToDecide {
  readonly stream: string;
  collisions: number;
}

/** Grants in one append request. */
export const GRANTS_PER_REQUEST_MAX = 500;
/** A claim that lost so many races for its account goes in a request of its own. */
const COLLISIONS_TOGETHER_MAX = 2;

/** A request about to be appended, the claims that it decides, and whose lease it draws from: a fund's, in a log. */
export interface Planned<P extends Pending = Pending> {
  readonly request: AppendRequest;
  readonly claims: readonly P[];
  readonly from: { readonly fundId: string; readonly log: number } | undefined;
  /** Of the lease as it was planned on. */
  readonly epoch: number;
  readonly points: number;
}

interface Decided<P extends Pending> {
  readonly claim: P;
  readonly write: StreamWrite;
  readonly points: number;
}

/** Decides the claims on one fund, each on its account, and makes the requests that record it. `waits`: some of them must. */
export function planFund<P extends Pending>(
  claims: readonly P[],
  hand: FundingAtHand,
  accounts: ReadonlyMap<string, AccountSeen>,
  rules: AccountRules,
  now: string,
): { readonly planned: Planned<P>[]; readonly waits: boolean } {
  const refusals: Planned<P>[] = [];
  const together: Decided<P>[] = [];
  const alone: Decided<P>[] = [];
  let { funding } = hand;
  let waits = false;
  for (const claim of claims) {
    const { order, cause, stream } = claim;
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
    // Only a person who owes something repays from a grant.
    const events = account.receivables.size === 0 ? [event] : withConsequences(account, event, rules, now).events;
    const write = writeOf(stream, revision, ...eventsOf(events, meta));
    if (!isGrant) {
      refusals.push({ request: { writes: [write] }, claims: [claim], from: undefined, epoch: 0, points: 0 });
      continue;
    }
    if (funding.known) funding = { ...funding, restPoints: funding.restPoints - order.amountPoints };
    const group = claim.collisions >= COLLISIONS_TOGETHER_MAX ? alone : together;
    group.push({ claim, write, points: order.amountPoints });
  }
  return { planned: [...drawRequests(together, alone, hand, now), ...refusals], waits };
}

/** Only the claims whose own account moved collided; the others lost because they stood in the same request. */
export function countCollisions(plan: Planned, actualRevisions: Readonly<Record<string, number>>): void {
  for (const [index, claim] of plan.claims.entries()) {
    const write = plan.request.writes[index];
    if (write && expected(actualRevisions[write.stream] ?? -1) !== write.expectedRevision) claim.collisions += 1;
  }
}

/** The request of the grants from one lease, with their draw. A lease takes one draw at a time: other claims go next time. */
function drawRequests<P extends Pending>(
  together: readonly Decided<P>[],
  alone: readonly Decided<P>[],
  hand: FundingAtHand,
  now: string,
): Planned<P>[] {
  const group = together.length > 0 ? together : alone.slice(0, 1);
  return hand.lease && group.length > 0 ? [drawRequest(group, hand.lease, hand, now)] : [];
}

function drawRequest<P extends Pending>(
  grants: readonly Decided<P>[],
  lease: OwnLease,
  hand: FundingAtHand,
  now: string,
): Planned<P> {
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
  const writes = [...grants.map((grant) => grant.write), writeOf(leaseStream(lease), lease.revision, draw)];
  const from = { fundId, log: lease.log };
  return { request: { writes }, claims: grants.map((grant) => grant.claim), from, epoch: lease.epoch, points };
}

function writeOf(stream: string, revision: number, ...events: readonly NewEvent[]): StreamWrite {
  return { stream, expectedRevision: expected(revision), events };
}
