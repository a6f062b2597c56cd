import {
  type CampaignEvent,
  campaignAsRead,
  campaignStream,
  decideClaimAgain,
  notedAsRead,
  type RecordedNote,
  restOnWithdrawn,
} from '@tsunagu/campaign';
import type { DataOf } from '@tsunagu/contracts';
import {
  type Account,
  type FundingFollowed,
  fundingFrom,
  type GrantOrder,
  leaseReadBy,
  replayDecision,
} from '@tsunagu/point-ledger';
import type { Finding } from './finding.js';
import type { Kept, Read, Seen } from './kept.js';
import type { LeaseRests } from './lease-rests.js';

/** What decisions of many persons read besides the person's own: small, and kept while all are decided again. */
export interface Grounds {
  /** Events of the campaigns' own streams. */
  readonly campaigns: ReadonlyMap<string, readonly (Read & CampaignEvent)[]>;
  readonly funding: FundingFollowed;
  readonly leaseRests: LeaseRests;
}

/** I6: every accepted claim and every decision of the ledger, decided again from what was recorded. */
export function checkDecisions({ campaigns, funding, leaseRests }: Grounds, found: (finding: Finding) => void) {
  const counts = { claims: 0, answers: 0 };

  /** With the campaign and the notes on the person as they were read then, the recorded answers and the recorded time. */
  function isSameClaim(accepted: Seen, notes: readonly RecordedNote[]): boolean {
    const recorded = { ...accepted, data: accepted.data as DataOf<'ClaimAccepted'> };
    const events = campaigns.get(campaignStream(recorded.data.campaignId)) ?? [];
    return decideClaimAgain(campaignAsRead(events, recorded), recorded, notedAsRead(notes, recorded.reads)).same;
  }

  /** A reopened claim rests on nothing that was read as withdrawn, and its person was not read as revoked or erased. */
  function mayGoOn(reopened: Seen, notes: readonly RecordedNote[]): boolean {
    const { answers } = reopened.data as DataOf<'ClaimReopened'>;
    const { withdrawnAt, revoked, erased } = notedAsRead(notes, reopened.reads);
    return !revoked && !erased && !restOnWithdrawn(answers, withdrawnAt);
  }

  /** With the account before it, and the fund and the lease as they were read then. */
  function isSameAnswer(answer: Kept, order: GrantOrder, account: Account): boolean {
    const own = leaseReadBy(answer);
    const restPoints = answer.restPoints ?? (own ? leaseRests.at(own) : 0);
    const funds = fundingFrom(funding.fundAsRead(order.fundId, answer), answer, restPoints);
    return replayDecision(account, order, answer, funds).same;
  }

  return {
    counts,
    /** `notes`: what is noted of its person. */
    claim(accepted: Kept, notes: readonly RecordedNote[]): void {
      counts.claims += 1;
      if (!holds(() => isSameClaim(accepted, notes))) found(differs(accepted));
    },
    reopened(reopened: Kept, notes: readonly RecordedNote[]): void {
      if (!holds(() => mayGoOn(reopened, notes))) found(differs(reopened));
    },
    /** `order`: what asked for the answer, where that was found. */
    answer(answer: Kept, order: GrantOrder | undefined, account: Account): void {
      counts.answers += 1;
      if (!order || !holds(() => isSameAnswer(answer, order, account))) found(differs(answer));
    },
  };
}

/** What was recorded may be such that nothing can be decided on it: that is no agreement either. */
function holds(decidesTheSame: () => boolean): boolean {
  try {
    return decidesTheSame();
  } catch {
    return false;
  }
}

function differs({ service, log, position, id, type }: Kept): Finding {
  const detail = `${type}: deciding again from what was recorded gives another outcome`;
  return { invariant: 'I6', service, log, position, eventId: id, detail };
}
