import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { CertificateBound } from './certificate.js';
import type { ClientEvent } from './client.js';
import type { DigestShared } from './digest.js';
import type { ChangeEvent } from './merge.js';
import type { MyKeyIdReserved } from './my-key-id.js';
import type { PersonEvent } from './person.js';
import type { ReviewEvent } from './review.js';

type OwnEvent =
  | PersonEvent
  | CertificateBound
  | MyKeyIdReserved
  | DigestShared
  | ReviewEvent
  | ChangeEvent
  | ClientEvent;

/** This service's own events, each with the steps from its older versions; those of published ones stand in the contracts. */
export const upcasts = {
  CertificateBound: [],
  CertificateSuperseded: [],
  ClientRegistered: [],
  ClientKeysReplaced: [],
  ClientDisabled: [],
  MyKeyIdReserved: [],
  MyKeyIdRegistered: [],
  AttributesVerified: [],
  DigestShared: [],
  GrantsHeld: [],
  ReviewOpened: [],
  ReviewRaised: [],
  DecisionProposed: [],
  ReviewDecided: [],
  MergeProposed: [],
  MergeApproved: [],
  SplitProposed: [],
  SplitApproved: [],
} satisfies Record<Exclude<OwnEvent['type'], PublishedType>, UpcastSteps>;
