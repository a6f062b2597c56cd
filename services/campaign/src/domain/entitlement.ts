import type { DataOf } from '@tsunagu/contracts';
import { ok, type Refusal, type Result, refuse } from '@tsunagu/kernel';
import { type Campaign, stateAt } from './campaign.js';
import { restOnWithdrawn, withoutWithdrawn } from './consent.js';
import { type Answer, answersFor, decideEligibility, type Eligibility } from './eligibility.js';
import type { At } from './stamped.js';
import type { Noted } from './standing.js';

/** What the ledger is asked to grant; published with ClaimAccepted and ClaimReopened. Only a claim that was accepted can be held. */
export type GrantOrder = DataOf<'ClaimAccepted'>;

type Ended = { readonly claimId: string; readonly personId: string; readonly measureId: string };

export type EntitlementEvent =
  | { readonly type: 'ClaimAccepted'; readonly data: GrantOrder }
  | { readonly type: 'ClaimReopened'; readonly data: DataOf<'ClaimReopened'> }
  | { readonly type: 'ClaimGranted'; readonly data: Ended & { readonly attempt: number; readonly lotId: string } }
  | {
      readonly type: 'ClaimRefused';
      readonly data: Ended & { readonly attempt: number; readonly reasonCode: string; readonly curable: boolean };
    }
  // `curable` absent: for good, as before there was a cause that can be undone.
  | {
      readonly type: 'ClaimCancelled';
      readonly data: Ended & { readonly reasonCode: string; readonly curable?: true };
    };

/** One person's claim on one measure: at most one for ever. */
export interface Entitlement {
  readonly order: GrantOrder;
  readonly state: 'accepted' | 'granted' | 'refused' | 'cancelled';
  readonly acceptedAt: string;
  /** When the ledger was last asked: at the claim, or when it was reopened. */
  readonly askedAt: string;
  /** When the present state was reached; null while the ledger has not answered. */
  readonly decidedAt: string | null;
  readonly reasonCode: string | null;
  readonly curable: boolean;
}

export const initialState = undefined;

export function evolve(state: Entitlement | undefined, event: At<EntitlementEvent>): Entitlement {
  if (event.type === 'ClaimAccepted') {
    const fresh = { decidedAt: null, reasonCode: null, curable: false } as const;
    return {
      ...fresh,
      order: event.data,
      state: 'accepted',
      acceptedAt: event.effectiveAt,
      askedAt: event.effectiveAt,
    };
  }
  if (!state) throw new Error(`${event.type} on an entitlement that was never claimed`);
  const ended = { ...state, decidedAt: event.effectiveAt, reasonCode: null, curable: false };
  switch (event.type) {
    case 'ClaimReopened':
      return { ...ended, order: event.data, state: 'accepted', askedAt: event.effectiveAt, decidedAt: null };
    case 'ClaimGranted':
      return { ...ended, state: 'granted' };
    case 'ClaimRefused':
      return { ...ended, state: 'refused', reasonCode: event.data.reasonCode, curable: event.data.curable };
    case 'ClaimCancelled':
      return {
        ...ended,
        state: 'cancelled',
        reasonCode: event.data.reasonCode,
        curable: event.data.curable ?? false,
      };
  }
}

export function foldEntitlement(events: readonly At<EntitlementEvent>[]): Entitlement | undefined {
  return events.reduce<Entitlement | undefined>(evolve, initialState);
}

export interface ClaimCommand {
  readonly campaign: Campaign;
  readonly measureId: string;
  readonly personId: string;
  readonly claimId: string;
  readonly receiptNumber: string;
  /** As identity gave them. */
  readonly answers: readonly Answer[];
  /** Of this person: identity may have answered a moment before it heard of that. */
  readonly noted: Noted;
  /** Whether staff are to look first whether this person is one who is known already: the grant waits for that. */
  readonly underReview: boolean;
  readonly at: string;
}

/** Seconds after which a person may ask again whether a paused campaign goes on. */
export const pausedRetryAfterSeconds = 60;

/** Whether a campaign takes claims at a moment: undefined when it does. */
export function refusalOfCampaign(
  campaign: Campaign,
  at: string,
): Refusal<'campaign.not_open' | 'campaign.paused'> | undefined {
  const state = stateAt(campaign, at);
  if (state === 'open') return undefined;
  if (state === 'paused') return { code: 'campaign.paused', retryAfterSeconds: pausedRetryAfterSeconds };
  return {
    code: 'campaign.not_open',
    detail: `The campaign is ${state}.`,
    extensions: { state, opensAt: campaign.opensAt, closesAt: campaign.closesAt },
  };
}

/**
 * A first claim. Whoever calls has seen that there is none yet, and the append with `noStream` makes sure of it. That of a person who
 * is revoked or erased is held from the ledger, and `decideNoted` ends it in the same append.
 */
export function decideClaim(
  command: ClaimCommand,
): Result<
  At<{ type: 'ClaimAccepted'; data: GrantOrder }>,
  'request.not_found' | 'campaign.not_open' | 'campaign.paused' | 'campaign.not_eligible'
> {
  const { campaign, noted, at } = command;
  const measure = campaign.measures.find(({ measureId }) => measureId === command.measureId);
  if (!measure) return refuse('request.not_found');
  const closed = refusalOfCampaign(campaign, at);
  if (closed) return { ok: false, refusal: closed };
  const answers = withoutWithdrawn(command.answers, noted.withdrawnAt);
  const errors = decideEligibility(measure.eligibility, answers);
  if (errors.length > 0) return refuse('campaign.not_eligible', { errors });
  const data: GrantOrder = {
    claimId: command.claimId,
    personId: command.personId,
    campaignId: campaign.campaignId,
    measureId: measure.measureId,
    programmeId: campaign.programmeId,
    fundId: measure.fundId,
    amountPoints: measure.amountPoints,
    ruleVersion: measure.ruleVersion,
    attempt: 1,
    dryRun: campaign.dryRun,
    pointsExpireAt: measure.pointsExpireAt,
    pointsExpireAfterMonths: measure.pointsExpireAfterMonths,
    answers: [...answersFor(measure.eligibility, answers)],
    receiptNumber: command.receiptNumber,
    ...(command.underReview || noted.revoked || noted.erased ? { heldFor: 'identity_review' } : {}),
  };
  return ok({ type: 'ClaimAccepted', data, effectiveAt: at });
}

export type LedgerAnswer = At<
  | { readonly type: 'PointsGranted'; readonly data: DataOf<'PointsGranted'> }
  | { readonly type: 'GrantRefused'; readonly data: DataOf<'GrantRefused'> }
>;

/**
 * What the ledger's answer changes. A grant counts whatever the attempt it answers, because the points are there; a refusal counts
 * only for the present attempt of a claim that still waits, and what could go to the ledger once more does not where its person or its
 * facts are gone meanwhile. Anything else has been said before.
 */
export function decideAnswer(
  entitlement: Entitlement,
  answer: LedgerAnswer,
  noted: Noted,
): readonly At<EntitlementEvent>[] {
  const { claimId, personId, measureId, attempt } = entitlement.order;
  if (answer.data.claimId !== claimId) return [];
  const ids = { claimId, personId, measureId, attempt: answer.data.attempt };
  if (answer.type === 'PointsGranted') {
    if (entitlement.state === 'granted') return [];
    return [{ type: 'ClaimGranted', data: { ...ids, lotId: answer.data.lotId }, effectiveAt: answer.effectiveAt }];
  }
  if (entitlement.state !== 'accepted' || answer.data.attempt !== attempt) return [];
  const { reasonCode, curable } = answer.data;
  const at = answer.effectiveAt;
  const refused = { type: 'ClaimRefused', data: { ...ids, reasonCode, curable }, effectiveAt: at } as const;
  return [refused, ...decideNoted(evolve(entitlement, refused), at, noted)];
}

/** What identity answers when it is asked again, and the measure's rules. */
export interface AskedAgain {
  readonly eligibility: Eligibility | null;
  readonly answers: readonly Answer[];
}

/**
 * What ended curably goes to the ledger again, same claim and receipt; nothing for any other claim, and nothing for a person who is
 * revoked. Where its facts were withdrawn it goes on later ones that fit as well, and not before there are any.
 */
export function decideReopen(
  entitlement: Entitlement,
  at: string,
  noted: Noted,
  again?: AskedAgain,
): readonly At<EntitlementEvent>[] {
  if (!entitlement.curable || noted.revoked || noted.erased) return [];
  if (!restOnWithdrawn(entitlement.order.answers, noted.withdrawnAt)) return [reopened(entitlement, at)];
  if (!again) return [];
  const answers = withoutWithdrawn(again.answers, noted.withdrawnAt);
  if (decideEligibility(again.eligibility, answers).length > 0) return [];
  return [reopened(entitlement, at, answersFor(again.eligibility, answers))];
}

/** Whether a claim waits for identity and the ledger has not been asked. */
export function isHeld({ state, order }: Entitlement): boolean {
  return state === 'accepted' && order.heldFor !== undefined;
}

/** A held claim goes to the ledger: the review found a person of their own. Nothing for any other claim. */
export function decideRelease(entitlement: Entitlement, at: string, noted: Noted): readonly At<EntitlementEvent>[] {
  return isHeld(entitlement) ? [goesOn(entitlement, at, noted)] : [];
}

/**
 * What the ledger has not granted and still might ends, because its person, or the facts it rests on, are gone; a claim that the
 * ledger is deciding is the ledger's. What ended so before is not ended again.
 */
export function decideNoted(entitlement: Entitlement, at: string, noted: Noted): readonly At<EntitlementEvent>[] {
  if (!isHeld(entitlement) && !entitlement.curable) return [];
  const end = endBy(entitlement, at, noted);
  return end && end.data.reasonCode !== entitlement.reasonCode ? [end] : [];
}

/** What the ledger has not granted to a person and still might ends, because the person is another one: that one claims. */
export function decideMerged(entitlement: Entitlement, at: string): readonly At<EntitlementEvent>[] {
  const { claimId, personId, measureId } = entitlement.order;
  if (!isHeld(entitlement) && !entitlement.curable) return [];
  const data = { claimId, personId, measureId, reasonCode: mergedReason };
  return [{ type: 'ClaimCancelled', data, effectiveAt: at }];
}

/** A claim that ended by a merge goes on when the merge turns out to be wrong. */
export function decideSplit(entitlement: Entitlement, at: string, noted: Noted): readonly At<EntitlementEvent>[] {
  const endedByMerge = entitlement.state === 'cancelled' && entitlement.reasonCode === mergedReason;
  return endedByMerge ? [goesOn(entitlement, at, noted)] : [];
}

const mergedReason = 'persons_merged';
/** Of a claim whose facts were withdrawn: later ones cure it. */
export const withdrawnReason = 'consent_withdrawn';
/** Of a claim whose person cannot prove who they are: a new card or a login cures it. */
export const revokedReason = 'identity_revoked';
/** Of a claim whose person was erased: nothing cures it. */
export const erasedReason = 'person_erased';

/** What waited for identity goes to the ledger, unless its person or its facts went while it waited. */
function goesOn(entitlement: Entitlement, at: string, noted: Noted): At<EntitlementEvent> {
  return endBy(entitlement, at, noted) ?? reopened(entitlement, at);
}

type End = At<Extract<EntitlementEvent, { readonly type: 'ClaimRefused' | 'ClaimCancelled' }>>;

/** Of several causes the one that takes longest to cure. */
function endBy({ order }: Entitlement, at: string, noted: Noted): End | undefined {
  const { claimId, personId, measureId, attempt } = order;
  const ids = { claimId, personId, measureId };
  if (noted.erased) return { type: 'ClaimCancelled', data: { ...ids, reasonCode: erasedReason }, effectiveAt: at };
  if (restOnWithdrawn(order.answers, noted.withdrawnAt)) {
    const data = { ...ids, reasonCode: withdrawnReason, curable: true } as const;
    return { type: 'ClaimCancelled', data, effectiveAt: at };
  }
  if (!noted.revoked) return undefined;
  const data = { ...ids, attempt, reasonCode: revokedReason, curable: true };
  return { type: 'ClaimRefused', data, effectiveAt: at };
}

function reopened(
  { order: { heldFor: _, ...order } }: Entitlement,
  at: string,
  answers: readonly Answer[] = order.answers,
): At<EntitlementEvent> {
  const data = { ...order, attempt: order.attempt + 1, answers: [...answers] };
  return { type: 'ClaimReopened', data, effectiveAt: at };
}

export function entitlementStream(measureId: string, personId: string): string {
  return `entitlement-${measureId}+${personId}`;
}
