import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { ContentEvent, ListEvent } from './list-grant.js';
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
  ListRegistered: [],
  ListUploaded: [],
  ListValidated: [],
  ListFoundInvalid: [],
  ListFoundRepeated: [],
  ListCompared: [],
  ListReleaseProposed: [],
  ListReleaseApproved: [],
  ListStageStarted: [],
  ListStageAdvanced: [],
  ListStageGranted: [],
  ListPaused: [],
  ListResumed: [],
  ListRecallProposed: [],
  ListRecallApproved: [],
  ListRecallAdvanced: [],
  ListRecalled: [],
  ListDiscarded: [],
  ListContentReserved: [],
  ListContentFreed: [],
} satisfies Record<
  Exclude<(LedgerEvent | ProposalEvent | ListEvent | ContentEvent)['type'], PublishedType>,
  UpcastSteps
>;
