export { definition } from './definition.js';
export { type Campaign, type CampaignEvent, campaignStream, fold as foldCampaign } from './domain/campaign.js';
export {
  type Entitlement,
  type EntitlementEvent,
  entitlementStream,
  foldEntitlement,
  type GrantOrder,
} from './domain/entitlement.js';
export { receiptNumber } from './domain/receipt.js';
export { type ClaimAgain, decideClaimAgain } from './domain/replay.js';
