import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { GuardianshipEvent } from './guardianship.js';
import type { LinkEvent } from './link.js';
import type { LinkChangeEvent } from './link-change.js';
import type { LinkErasureEvent } from './link-erasure.js';
import type { ProviderChoiceEvent } from './provider-choice.js';
import type { ServiceAccountEvent } from './service-account.js';

type OwnEvent =
  | LinkEvent
  | LinkChangeEvent
  | LinkErasureEvent
  | GuardianshipEvent
  | ProviderChoiceEvent
  | ServiceAccountEvent;

/** This service's own events, each with the steps from its older versions; those of published ones stand in the contracts. */
export const upcasts = {
  LinkRequested: [],
  ProviderConfirmed: [],
  LinkRefused: [],
  ProviderChosen: [],
  ServiceAccountBound: [],
  ServiceAccountUnbound: [],
  ProviderChoiceFreed: [],
  LinkReplaced: [],
  LinkChangeProposed: [],
  LinkChangeApproved: [],
  LinkChangeRejected: [],
  LinkErasureBegun: [],
  LinkErasureCompleted: [],
  GuardianLinked: [],
  GuardianUnlinked: [],
} satisfies Record<Exclude<OwnEvent['type'], PublishedType>, UpcastSteps>;
