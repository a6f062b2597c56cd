import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { CampaignEvent } from './campaign.js';
import type { ConsentEvent } from './consent.js';
import type { DoubledGrantEvent, MergeEvent } from './doubled-grant.js';
import type { EntitlementEvent } from './entitlement.js';
import type { ProgrammeEvent } from './programme.js';
import type { StandingEvent } from './standing.js';

type OwnEvent =
  | CampaignEvent
  | EntitlementEvent
  | ProgrammeEvent
  | MergeEvent
  | DoubledGrantEvent
  | ConsentEvent
  | StandingEvent;

/** This service's own events, each with the steps from its older versions; those of published ones stand in the contracts. */
export const upcasts = {
  // Version 1 had no rule on changes of links: the strict one is what those programmes were run by.
  ProgrammeCreated: [(data) => ({ ...(data as object), linkChange: 'never_after_claim' })],
  CampaignDrafted: [],
  RuleVersionPublished: [],
  CampaignScheduled: [],
  CampaignOpened: [],
  CampaignPaused: [],
  CampaignResumed: [],
  CampaignClosed: [],
  ClaimGranted: [],
  ClaimRefused: [],
  ClaimCancelled: [],
  MergeNoted: [],
  SplitNoted: [],
  DoubledGrantFound: [],
  DoubledGrantEnded: [],
  WithdrawalNoted: [],
  RevocationNoted: [],
  ErasureNoted: [],
} satisfies Record<Exclude<OwnEvent['type'], PublishedType>, UpcastSteps>;
