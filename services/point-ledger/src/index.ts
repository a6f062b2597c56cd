export { definition } from './definition.js';
export { type Account, foldAccount, isAccountEvent } from './domain/account.js';
export { checkAccounts, checkOneGrant } from './domain/account-check.js';
export type { CheckedEvent, Violation } from './domain/checked-event.js';
export { type Fund, foldFund } from './domain/fund.js';
export { checkFunds } from './domain/fund-check.js';
export {
  type FundingFollowed,
  followFunding,
  fundingFrom,
  type LeaseRead,
  leaseReadBy,
} from './domain/funding-then.js';
export { decideGrant, type Funding, type GrantDecision, type GrantOrder } from './domain/grant.js';
export { foldLease, type Lease } from './domain/lease.js';
export { leaseOrder } from './domain/lease-order.js';
export { foldList, type ListGrant } from './domain/list-grant.js';
export { listCauseId, listClaimId, listOrder } from './domain/list-order.js';
export { type LedgerEvent, type Posting, postingsOf } from './domain/postings.js';
export { type GrantReplay, type ReplayedEvent, replayDecision } from './domain/replay.js';
export { contentHasher } from './files/list-hash.js';
export { type ClaimReplayQuestion, type LedgerStep, replayInLedger } from './workflows/claim-replay.js';
export { ListTables } from './workflows/list-tables.js';
