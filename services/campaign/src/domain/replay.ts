import type { Result } from '@tsunagu/kernel';
import { type CampaignEvent, campaignStream, fold } from './campaign.js';
import {
  decideAnswer,
  decideClaim,
  decideNoted,
  decideRelease,
  decideReopen,
  decideSplit,
  type EntitlementEvent,
  erasedReason,
  foldEntitlement,
  type GrantOrder,
  type LedgerAnswer,
  revokedReason,
  withdrawnReason,
} from './entitlement.js';
import type { At } from './stamped.js';
import type { Noted } from './standing.js';

export interface ClaimAgain {
  /** What deciding again gives. */
  readonly outcome: 'accepted' | 'refused';
  /** The refusal's code, where it is refused now. */
  readonly code: string | null;
  /** Whether it is, member by member, what was recorded. */
  readonly same: boolean;
}

/**
 * Decides a recorded claim again (I6): with the campaign as it was at the revision that the decision read, and the answers and
 * the time recorded. `campaignEvents` are the campaign's stream up to that revision, `noted` what was known then of the person.
 */
export function decideClaimAgain(
  campaignEvents: readonly CampaignEvent[],
  accepted: At<{ readonly type: string; readonly data: GrantOrder }>,
  noted: Noted,
): ClaimAgain {
  const again = claimAgain(campaignEvents, accepted, noted);
  if (!again.ok) return { outcome: 'refused', code: again.refusal.code, same: false };
  return { outcome: 'accepted', code: null, same: equal(again.value.data, accepted.data) };
}

function claimAgain(
  campaignEvents: readonly CampaignEvent[],
  { data, effectiveAt: at }: At<{ readonly data: GrantOrder }>,
  noted: Noted,
): Result<At<EntitlementEvent>, string> {
  const campaign = fold(campaignEvents);
  if (!campaign) return { ok: false, refusal: { code: 'request.not_found' } };
  const { measureId, personId, claimId, receiptNumber, answers, heldFor } = data;
  const underReview = heldFor !== undefined;
  const ids = { measureId, personId, claimId, receiptNumber };
  return decideClaim({ campaign, ...ids, answers, noted, underReview, at });
}

/** An event of an entitlement as replay reads it from the log. */
export type ReplayedEvent = At<EntitlementEvent> & {
  readonly revision: number;
  readonly reads?: Readonly<Record<string, number>>;
};

/** A member of the event's data that deciding again gives another value; `type` for another event altogether. */
export interface Difference {
  readonly member: string;
  readonly recorded: unknown;
  readonly decided: unknown;
}

/** A decision made again from what was recorded. Where it cannot be made, `problem` says why. */
export interface DecidedAgain {
  readonly same: boolean;
  readonly differences: readonly Difference[];
  readonly problem: string | null;
}

/** The campaign's events that a claim's decision read. */
export function campaignAsRead<E extends CampaignEvent & { readonly revision: number }>(
  campaignEvents: readonly E[],
  accepted: Pick<ReplayedEvent, 'reads'> & { readonly data: Pick<GrantOrder, 'campaignId'> },
): readonly E[] {
  const read = accepted.reads?.[campaignStream(accepted.data.campaignId)] ?? -1;
  return campaignEvents.filter(({ revision }) => revision <= read);
}

/** What an event was decided on, besides the claim itself. */
export interface Grounds {
  /** The campaign as the claim read it. */
  readonly campaign: readonly CampaignEvent[];
  readonly noted: Noted;
  /** The ledger's event that caused this one. */
  readonly answer: LedgerAnswer | undefined;
}

/** Decides one event of an entitlement's stream again (I6); undefined for an event that no decision here leads to. */
export function decideAgain(
  events: readonly ReplayedEvent[],
  event: ReplayedEvent,
  grounds: Grounds,
): DecidedAgain | undefined {
  try {
    return compareAgain(events, event, grounds);
  } catch (error) {
    // Events that cannot follow on each other: a finding about the log, not a failure of the replay.
    return { same: false, differences: [], problem: (error as Error).message };
  }
}

function compareAgain(
  events: readonly ReplayedEvent[],
  event: ReplayedEvent,
  { campaign, noted, answer }: Grounds,
): DecidedAgain | undefined {
  const at = event.effectiveAt;
  if (event.type === 'ClaimAccepted') {
    const again = claimAgain(campaign, event, noted);
    return again.ok ? compared(event, again.value) : impossible(`It is refused now: ${again.refusal.code}.`);
  }
  const before = foldEntitlement(events.filter(({ revision }) => revision < event.revision));
  if (!before) return impossible('Nothing was claimed before it.');
  if ('reasonCode' in event.data && endsOfNotes.has(event.data.reasonCode)) {
    const ways = [decideNoted, decideSplit];
    return compared(event, ways.flatMap((decide) => decide(before, at, noted))[0]);
  }
  if (event.type === 'ClaimCancelled') return undefined;
  if (event.type === 'ClaimReopened') {
    const { measureId, answers } = event.data;
    const eligibility = fold(campaign)?.measures.find((each) => each.measureId === measureId)?.eligibility ?? null;
    // A claim ended curably, is held or ended by a merge: one of these at most applies.
    const [decided] = [
      ...decideReopen(before, at, noted, { eligibility, answers }),
      ...[decideRelease, decideSplit].flatMap((decide) => decide(before, at, noted)),
    ];
    return compared(event, decided);
  }
  if (!answer) return impossible('The ledger knows no event that caused it.');
  return compared(event, decideAnswer(before, answer, noted)[0]);
}

/** Ends that notes on the person led to: the ledger gives none of these reasons. */
const endsOfNotes: ReadonlySet<string> = new Set([withdrawnReason, revokedReason, erasedReason]);

/** What was recorded beside what is decided now. */
export function compared(
  recorded: { readonly type: string; readonly data: unknown },
  decided: { readonly type: string; readonly data: unknown } | undefined,
): DecidedAgain {
  if (!decided) return impossible('Nothing is decided on what was recorded.');
  const differences = differencesOf(recorded, decided);
  return { same: differences.length === 0, differences, problem: null };
}

function impossible(problem: string): DecidedAgain {
  return { same: false, differences: [], problem };
}

function differencesOf(
  recorded: { readonly type: string; readonly data: unknown },
  decided: { readonly type: string; readonly data: unknown },
): readonly Difference[] {
  if (recorded.type !== decided.type) return [{ member: 'type', recorded: recorded.type, decided: decided.type }];
  const [before, now] = [Object(recorded.data), Object(decided.data)] as Record<string, unknown>[];
  return [...new Set([...Object.keys(before ?? {}), ...Object.keys(now ?? {})])]
    .filter((member) => !equal(before?.[member], now?.[member]))
    .map((member) => ({ member, recorded: before?.[member] ?? null, decided: now?.[member] ?? null }));
}

/** Whether two JSON values are the same, whatever the order of members. */
function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [ofA, ofB] = [Object.entries(a), Object.entries(b)];
  return ofA.length === ofB.length && ofA.every(([name, value]) => equal(value, (b as Record<string, unknown>)[name]));
}
