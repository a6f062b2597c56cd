import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { CertificateBound } from './certificate.js';
import type { ClientEvent } from './client.js';
import type { DigestShared } from './digest.js';
import type { ErasureEvent } from './erasure.js';
import type { FreezeEvent } from './freeze.js';
import type { MemberServiceEvent } from './member-service.js';
import type { ChangeEvent } from './merge.js';
import type { MyKeyIdEvent } from './my-key-id.js';
import type { PersonEvent } from './person.js';
import type { ReviewEvent } from './review.js';
import type { MembershipEvent, ServiceIdEvent } from './service-membership.js';
import type { SubjectBound } from './subject.js';
import type { TerminalEvent } from './terminal-session.js';

type OwnEvent =
  | PersonEvent
  | CertificateBound
  | DigestShared
  | ReviewEvent
  | ChangeEvent
  | ClientEvent
  | MyKeyIdEvent
  | FreezeEvent
  | TerminalEvent
  | MemberServiceEvent
  | ServiceIdEvent
  | MembershipEvent
  | SubjectBound
  | ErasureEvent;

/** This service's own events, each with the steps from its older versions; those of published ones stand in the contracts. */
export const upcasts = {
  CertificateBound: [],
  CertificateSuperseded: [],
  ClientRegistered: [],
  ClientKeysReplaced: [],
  ClientDisabled: [],
  MyKeyIdReserved: [],
  MyKeyIdRegistered: [],
  MyKeyIdChanged: [],
  MyKeyIdProvisionallyReserved: [],
  MyKeyIdProvisionallyRegistered: [],
  AttributesVerified: [],
  ConsentGiven: [],
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
  PersonFrozen: [],
  FreezeLifted: [],
  TerminalSessionOpened: [],
  TerminalSessionEnded: [],
  TerminalSignalRaised: [],
  MemberServiceRegistered: [],
  MembershipFeedEnabled: [],
  MembershipFeedDisabled: [],
  MembershipWebhookSet: [],
  MembershipWebhookRemoved: [],
  ServiceIdReserved: [],
  ServiceIdReleased: [],
  MembershipRegistered: [],
  MembershipEnded: [],
  SubjectAdded: [],
  SubjectBound: [],
  ErasureProposed: [],
  ErasureApproved: [],
  ErasureCompleted: [],
} satisfies Record<Exclude<OwnEvent['type'], PublishedType>, UpcastSteps>;
