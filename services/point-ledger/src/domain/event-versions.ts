import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { LedgerEvent } from './postings.js';
import type { ProposalEvent } from './proposal.js';

/** The ledger's own events, each with the steps from its older versions; those of published ones stand in the contracts. */
export const upcasts = {
  FundCommitted: [],
  FundLowered: [],
  FundLeased: [],
  FundReturned: [],
  LeaseOpened: [],
  FundDrawn: [],
  LeaseClosed: [],
  ChangeProposed: [],
  ChangeApproved: [],
  ChangeRejected: [],
  ChangeCompleted: [],
} satisfies Record<Exclude<(LedgerEvent | ProposalEvent)['type'], PublishedType>, UpcastSteps>;
