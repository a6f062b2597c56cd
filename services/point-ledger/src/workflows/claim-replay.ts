import type { EventLog, RecordedEvent } from '@tsunagu/event-store';
import { accountStream } from '../domain/account.js';
import { trailOf } from '../domain/claim-trail.js';
import { fundStream } from '../domain/fund.js';
import type { GrantOrder } from '../domain/grant.js';
import type { Posting } from '../domain/postings.js';
import { replayGrant, streamsOfGrant } from '../domain/replay.js';

/** A claim, and each event by which the campaign asked for its grant: the first one and one for every time it was reopened. */
export interface ClaimReplayQuestion {
  readonly claimId: string;
  readonly personId: string;
  readonly orders: readonly { readonly id: string; readonly data: GrantOrder }[];
}

/** An event of the account; `again` is there where it is a decision on the claim. */
export interface LedgerStep {
  readonly event: RecordedEvent;
  readonly postings: readonly Posting[];
  readonly again?: LedgerAgain;
}

/** The decision made again; where it cannot be made, `problem` says why. */
export interface LedgerAgain {
  readonly same: boolean;
  readonly decided: { readonly type: string; readonly data: unknown } | null;
  readonly problem: string | null;
}

/** The ledger's streams, wherever they lie, and each of its logs on its own. */
export interface LedgerLogs {
  readonly log: EventLog;
  readonly logs: readonly EventLog[];
}

/** What the account says of a claim, each decision on it made again from the account, the lease and the fund as they stood (I6). */
export async function replayInLedger(
  ledger: LedgerLogs,
  { claimId, personId, orders }: ClaimReplayQuestion,
): Promise<readonly LedgerStep[]> {
  const stream = accountStream(personId);
  const account = (await ledger.log.readStreams([stream])).get(stream) ?? [];
  const steps: LedgerStep[] = [];
  for (const step of trailOf(claimId, account)) {
    const { type, data, causationId } = step.event;
    const isDecision = type === 'PointsGranted' || type === 'GrantRefused';
    if (!isDecision || (data as { claimId?: string }).claimId !== claimId) {
      steps.push(step);
      continue;
    }
    const order = orders.find(({ id }) => id === causationId);
    steps.push({ ...step, again: order ? await decideAgain(ledger, order.data, step.event) : notAsked });
  }
  return steps;
}

const notAsked: LedgerAgain = {
  same: false,
  decided: null,
  problem: 'What caused this decision is not among the events of the claim.',
};

/** The ledger's decision on a claim, made again from the streams that it read. */
async function decideAgain(
  { log, logs }: LedgerLogs,
  order: GrantOrder,
  recorded: RecordedEvent,
): Promise<LedgerAgain> {
  const names = new Set([...streamsOfGrant(order, recorded), fundStream(order.fundId)]);
  const lease = recorded.type === 'PointsGranted' ? await leaseDrawnBy(logs, recorded) : undefined;
  if (lease) names.add(lease);
  const streams = await log.readStreams([...names]);
  try {
    const { same, decided } = replayGrant(order, recorded, streams);
    return { same, decided: decided ?? null, problem: decided ? null : 'Nothing is decided on what was recorded.' };
  } catch (error) {
    // Events that cannot follow on each other: a finding about the log, not a failure of the question.
    return { same: false, decided: null, problem: (error as Error).message };
  }
}

/** The lease that a grant's own request draws from: the draw is its last write. */
async function leaseDrawnBy(logs: readonly EventLog[], recorded: RecordedEvent): Promise<string | undefined> {
  const { log, position, requestId } = recorded;
  const slice = await logs.find((each) => each.log === log)?.readLog({ after: position - 1, limit: 1 });
  return slice?.events.find((event) => event.type === 'FundDrawn' && event.requestId === requestId)?.stream;
}
