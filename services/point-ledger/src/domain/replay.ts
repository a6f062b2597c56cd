import { type Account, foldAccount } from './account.js';
import { type FundLeased, foldFund, fundStream } from './fund.js';
import { fundingFrom, fundSeen, leaseReadBy } from './funding-then.js';
import { decideGrant, type Funding, type GrantOrder } from './grant.js';
import { foldLease, leaseStream, leaseStreamPrefix } from './lease.js';

/** An event as replay reads it from the log. */
export interface ReplayedEvent {
  readonly type: string;
  readonly revision: number;
  readonly requestId: string;
  readonly effectiveAt: string;
  readonly reads?: Readonly<Record<string, number>>;
  readonly data: unknown;
}

export interface GrantReplay {
  /** What the decision gives when it is made again. */
  readonly decided: { readonly type: string; readonly data: unknown } | undefined;
  /** I6: whether that is what was recorded. */
  readonly same: boolean;
  readonly funding: Funding;
}

/**
 * Decides a recorded grant or refusal again from the log: the account before it, the lease that its request drew from or
 * the revisions that it says it read. `read` gives a stream's events in order.
 */
export function replayGrant(
  order: GrantOrder,
  recorded: ReplayedEvent,
  streams: ReadonlyMap<string, readonly ReplayedEvent[]>,
): GrantReplay {
  const account = foldAccount(before(streams.get(`account-${order.personId}`), recorded.revision));
  return replayDecision(account, order, recorded, fundingThen(order, recorded, streams));
}

/** The same from what was at hand: the account before the decision, and the funding then. */
export function replayDecision(
  account: Account,
  order: GrantOrder,
  recorded: Pick<ReplayedEvent, 'type' | 'effectiveAt' | 'data'>,
  funding: Funding,
): GrantReplay {
  const lotId = (recorded.data as { lotId?: string }).lotId ?? '';
  const decision = decideGrant(account, order, funding, lotId, recorded.effectiveAt);
  const decided = decision.outcome === 'decided' ? decision.event : undefined;
  const same = decided?.type === recorded.type && sameMembers(decided.data, recorded.data);
  return { decided, same, funding };
}

/** Streams to read for `replayGrant`, besides the account: the fund, then the leases that name it. */
export function streamsOfGrant(order: GrantOrder, recorded: ReplayedEvent): readonly string[] {
  return [`account-${order.personId}`, fundStream(order.fundId), ...Object.keys(recorded.reads ?? {})];
}

function fundingThen(
  order: GrantOrder,
  recorded: ReplayedEvent,
  streams: ReadonlyMap<string, readonly ReplayedEvent[]>,
): Funding {
  const fundEvents = streams.get(fundStream(order.fundId)) ?? [];
  const fundRevision = recorded.reads?.[fundStream(order.fundId)];
  const fund = foldFund(fundRevision === undefined ? fundEvents : before(fundEvents, fundRevision + 1));
  const seen = fund && fundSeen(fund);
  if (recorded.type === 'PointsGranted') return fundingFrom(seen, recorded, restDrawnFrom(recorded.requestId, streams));
  const own = leaseReadBy(recorded);
  const lease = own && foldLease(before(streams.get(own.stream), own.revision + 1));
  return fundingFrom(seen, recorded, lease?.restPoints ?? 0);
}

/** Rest of the lease just before the draw of this request. */
function restDrawnFrom(requestId: string, streams: ReadonlyMap<string, readonly ReplayedEvent[]>): number {
  for (const [stream, events] of streams) {
    if (!stream.startsWith(leaseStreamPrefix)) continue;
    const draw = events.find((event) => event.type === 'FundDrawn' && event.requestId === requestId);
    if (draw) return foldLease(before(events, draw.revision))?.restPoints ?? 0;
  }
  return 0;
}

/** Leases of a fund by its own stream: the streams in which a grant's draw can lie. */
export function leasesOf(fundEvents: readonly ReplayedEvent[]): readonly string[] {
  return fundEvents
    .filter((event) => event.type === 'FundLeased')
    .map((event) => leaseStream(event.data as FundLeased));
}

function before(events: readonly ReplayedEvent[] | undefined, revision: number): readonly ReplayedEvent[] {
  return (events ?? []).filter((event) => event.revision < revision);
}

function sameMembers(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** Members in name order: a database that keeps JSON in its own order changes no fact. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
