import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { LinkEvent } from './link.js';
import type { ProviderChosen } from './provider-choice.js';
import type { ServiceAccountBound } from './service-account.js';

type OwnEvent = LinkEvent | ProviderChosen | ServiceAccountBound;

/** This service's own events, each with the steps from its older versions; those of published ones stand in the contracts. */
export const upcasts = {
  LinkRequested: [],
  ProviderConfirmed: [],
  LinkRefused: [],
  ProviderChosen: [],
  ServiceAccountBound: [],
} satisfies Record<Exclude<OwnEvent['type'], PublishedType>, UpcastSteps>;
