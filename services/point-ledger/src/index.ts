export { definition } from './definition.js';
export { type Account, foldAccount } from './domain/account.js';
export { type Fund, foldFund } from './domain/fund.js';
export { decideGrant, type Funding, type GrantDecision, type GrantOrder } from './domain/grant.js';
export { foldLease, type Lease } from './domain/lease.js';
export { type CheckedEvent, checkLedger, type LedgerCheck, type Violation } from './domain/ledger-check.js';
export { type LedgerEvent, type Posting, postingsOf } from './domain/postings.js';
export { type GrantReplay, leasesOf, type ReplayedEvent, replayGrant, streamsOfGrant } from './domain/replay.js';
export { type ClaimReplayQuestion, type LedgerStep, replayInLedger } from './workflows/claim-replay.js';
