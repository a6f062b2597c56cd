import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { ExchangeEvent } from './exchange.js';
import type { ProviderEvent } from './provider.js';
import type { PeriodClosed, SettlementEvent } from './settlement.js';

type OwnEvent = ExchangeEvent | ProviderEvent | SettlementEvent | PeriodClosed;

/** This service's own events, each with the steps from its older versions; those of published ones stand in the contracts. */
export const upcasts = {
  ProviderRegistered: [],
  ProviderTermsChanged: [],
  ProviderBankAccountChanged: [],
  ExchangeHeld: [],
  ExchangeSubmitted: [],
  ExchangeOutcomeUnknown: [],
  ExchangePending: [],
  ExchangeReviewOpened: [],
  ProviderCredited: [],
  ExchangeCaptured: [],
  ExchangeReleased: [],
  SettlementLinesListed: [],
  SettlementItemsCarried: [],
  SettlementClosed: [],
  SettlementApproved: [],
  PeriodClosed: [],
} satisfies Record<Exclude<OwnEvent['type'], PublishedType>, UpcastSteps>;
