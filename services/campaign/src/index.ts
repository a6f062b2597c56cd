export { definition } from './definition.js';
export { type Campaign, type CampaignEvent, campaignStream, fold as foldCampaign } from './domain/campaign.js';
export { type ConsentEvent, restOnWithdrawn } from './domain/consent.js';
export {
  type Entitlement,
  type EntitlementEvent,
  entitlementStream,
  foldEntitlement,
  type GrantOrder,
} from './domain/entitlement.js';
export { receiptNumber } from './domain/receipt.js';
export { type ClaimAgain, campaignAsRead, decideClaimAgain, withdrawnFor } from './domain/replay.js';
export { type ClaimReplay, type ReplayStep, replayClaim } from './workflows/claim-replay.js';
