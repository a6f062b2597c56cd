import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { LedgerEvent } from './postings.js';

/** The ledger's own events, each with the steps from its older versions; those of published ones stand in the contracts. */
export const upcasts = {
  FundCommitted: [],
  FundLeased: [],
  FundReturned: [],
  LeaseOpened: [],
  FundDrawn: [],
  LeaseClosed: [],
} satisfies Record<Exclude<LedgerEvent['type'], PublishedType>, UpcastSteps>;
