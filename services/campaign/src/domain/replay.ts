import { type CampaignEvent, fold } from './campaign.js';
import { decideClaim, type GrantOrder } from './entitlement.js';
import type { At } from './stamped.js';

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
 * the time recorded. `campaignEvents` are the campaign's stream up to that revision.
 */
export function decideClaimAgain(
  campaignEvents: readonly CampaignEvent[],
  accepted: At<{ readonly type: string; readonly data: GrantOrder }>,
): ClaimAgain {
  const campaign = fold(campaignEvents);
  if (!campaign) return { outcome: 'refused', code: 'request.not_found', same: false };
  const { measureId, personId, claimId, receiptNumber, answers } = accepted.data;
  const at = accepted.effectiveAt;
  const again = decideClaim({ campaign, measureId, personId, claimId, receiptNumber, answers, at });
  if (!again.ok) return { outcome: 'refused', code: again.refusal.code, same: false };
  return { outcome: 'accepted', code: null, same: equal(again.value.data, accepted.data) };
}

/** Whether two JSON values are the same, whatever the order of members. */
function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [ofA, ofB] = [Object.entries(a), Object.entries(b)];
  return ofA.length === ofB.length && ofA.every(([name, value]) => equal(value, (b as Record<string, unknown>)[name]));
}
