export { definition } from './definition.js';
export { type Campaign, type CampaignEvent, campaignStream, fold as foldCampaign } from './domain/campaign.js';
export { restOnWithdrawn } from './domain/consent.js';
export {
  type Entitlement,
  type EntitlementEvent,
  entitlementStream,
  foldEntitlement,
  type GrantOrder,
  revokedReason,
} from './domain/entitlement.js';
export { receiptNumber } from './domain/receipt.js';
export { type ClaimAgain, campaignAsRead, decideClaimAgain } from './domain/replay.js';
export { notedAsRead, type RecordedNote } from './domain/standing.js';
export { type ClaimReplay, type ReplayStep, replayClaim } from './workflows/claim-replay.js';
