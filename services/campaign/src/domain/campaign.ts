import { ok, type Result, refuse } from '@tsunagu/kernel';
import type { Eligibility } from './eligibility.js';
import { type At, earlier } from './stamped.js';

/** A grant rule inside a campaign, in the version that holds now. */
export interface Measure {
  readonly measureId: string;
  /** From 1; a claim records the version that decided it. */
  readonly ruleVersion: number;
  readonly name: string;
  readonly amountPoints: number;
  readonly fundId: string;
  /** Null: everybody may claim. */
  readonly eligibility: Eligibility | null;
  readonly pointsExpireAt: string | null;
  readonly pointsExpireAfterMonths: number | null;
}

/** What a campaign is from the start; none of it changes later. */
export interface CampaignFacts {
  readonly campaignId: string;
  readonly ownerId: string;
  readonly programmeId: string;
  readonly name: string;
  readonly opensAt: string;
  readonly closesAt: string;
  readonly dryRun: boolean;
}

export type CampaignState = 'draft' | 'scheduled' | 'open' | 'paused' | 'closed';
type Turn = { readonly campaignId: string; readonly by: 'staff' | 'clock' };

export type CampaignEvent =
  | { readonly type: 'CampaignDrafted'; readonly data: CampaignFacts }
  | { readonly type: 'RuleVersionPublished'; readonly data: Measure & { readonly campaignId: string } }
  | { readonly type: 'CampaignScheduled'; readonly data: Turn }
  | { readonly type: 'CampaignOpened'; readonly data: Turn }
  | { readonly type: 'CampaignPaused'; readonly data: Turn }
  | { readonly type: 'CampaignResumed'; readonly data: Turn }
  | { readonly type: 'CampaignClosed'; readonly data: Turn };

export interface Campaign extends CampaignFacts {
  /** As recorded; `stateAt` says what holds at a moment. */
  readonly state: CampaignState;
  readonly measures: readonly Measure[];
}

export type Transition = 'open' | 'pause' | 'resume' | 'close';

export const initialState = undefined;

const stateAfter = {
  CampaignScheduled: 'scheduled',
  CampaignOpened: 'open',
  CampaignPaused: 'paused',
  CampaignResumed: 'open',
  CampaignClosed: 'closed',
} as const;

export function evolve(campaign: Campaign | undefined, event: CampaignEvent): Campaign {
  if (event.type === 'CampaignDrafted') return { ...event.data, state: 'draft', measures: [] };
  if (!campaign) throw new Error(`${event.type} on a campaign that was never drafted`);
  if (event.type !== 'RuleVersionPublished') return { ...campaign, state: stateAfter[event.type] };
  const { campaignId: _, ...measure } = event.data;
  const others = campaign.measures.filter((known) => known.measureId !== measure.measureId);
  return { ...campaign, measures: [...others, measure] };
}

export function fold(events: readonly CampaignEvent[]): Campaign | undefined {
  return events.reduce<Campaign | undefined>(evolve, initialState);
}

/**
 * What holds at a moment: a scheduled campaign is open from opensAt on and any campaign is closed from closesAt on,
 * whether or not the clock's job has recorded it yet.
 */
export function stateAt(campaign: Campaign, at: string): CampaignState {
  const { state, opensAt } = clockEvents(campaign, at).reduce(evolve, campaign);
  // Recorded as open by a clock that is ahead of this one.
  return state === 'open' && earlier(at, opensAt) ? 'scheduled' : state;
}

/** What the clock has done to a campaign up to a moment and nobody has recorded yet. */
export function clockEvents(campaign: Campaign, at: string): readonly At<CampaignEvent>[] {
  const events: At<CampaignEvent>[] = [];
  const data: Turn = { campaignId: campaign.campaignId, by: 'clock' };
  const opens = campaign.state === 'scheduled' && !earlier(at, campaign.opensAt);
  if (opens) events.push({ type: 'CampaignOpened', data, effectiveAt: campaign.opensAt });
  const running = opens || campaign.state === 'open' || campaign.state === 'paused';
  if (running && !earlier(at, campaign.closesAt)) {
    events.push({ type: 'CampaignClosed', data, effectiveAt: campaign.closesAt });
  }
  return events;
}

/** Drafts a campaign with version 1 of each measure's rule. The input is validated at the edge. */
export function decideDraft(
  facts: CampaignFacts,
  measures: readonly Omit<Measure, 'ruleVersion'>[],
  at: string,
): readonly At<CampaignEvent>[] {
  return [
    { type: 'CampaignDrafted', data: facts, effectiveAt: at },
    ...measures.map(
      (measure): At<CampaignEvent> => ({
        type: 'RuleVersionPublished',
        data: { ...measure, ruleVersion: 1, campaignId: facts.campaignId },
        effectiveAt: at,
      }),
    ),
  ];
}

/** draft → (scheduled →) open ⇄ paused → closed, and nothing else. What the clock has done by then is recorded first. */
export function decideTransition(
  campaign: Campaign,
  transition: Transition,
  at: string,
): Result<readonly At<CampaignEvent>[], 'campaign.wrong_state'> {
  const due = clockEvents(campaign, at);
  const { state, opensAt, closesAt, campaignId } = due.reduce(evolve, campaign);
  const type = turnFrom(state, transition, { early: earlier(at, opensAt), late: !earlier(at, closesAt) });
  if (!type) {
    const over = transition === 'open' && state === 'draft' ? ' and its closing time has passed' : '';
    return refuse('campaign.wrong_state', {
      detail: `The campaign is ${state}${over}; ${transition} does not lead on from there.`,
      extensions: { state },
    });
  }
  return ok([...due, { type, data: { campaignId, by: 'staff' }, effectiveAt: at }]);
}

function turnFrom(state: CampaignState, transition: Transition, now: { early: boolean; late: boolean }) {
  if (transition === 'open' && state === 'draft' && !now.late)
    return now.early ? 'CampaignScheduled' : 'CampaignOpened';
  if (transition === 'pause' && state === 'open') return 'CampaignPaused';
  if (transition === 'resume' && state === 'paused') return 'CampaignResumed';
  if (transition === 'close' && (state === 'open' || state === 'paused')) return 'CampaignClosed';
  return undefined;
}

export function campaignStream(campaignId: string): string {
  return `campaign-${campaignId}`;
}
