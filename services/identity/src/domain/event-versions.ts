import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { CertificateBound } from './certificate.js';
import type { FreezeEvent } from './freeze.js';
import type { MyKeyIdEvent } from './my-key-id.js';
import type { PersonEvent } from './person.js';
import type { TerminalEvent } from './terminal-session.js';

type OwnEvent = PersonEvent | CertificateBound | MyKeyIdEvent | FreezeEvent | TerminalEvent;

/** This service's own events, each with the steps from its older versions; those of published ones stand in the contracts. */
export const upcasts = {
  CertificateBound: [],
  CertificateSuperseded: [],
  MyKeyIdReserved: [],
  MyKeyIdRegistered: [],
  MyKeyIdChanged: [],
  MyKeyIdProvisionallyReserved: [],
  MyKeyIdProvisionallyRegistered: [],
  AttributesVerified: [],
  PersonFrozen: [],
  FreezeLifted: [],
  TerminalSessionOpened: [],
  TerminalSessionEnded: [],
  TerminalSignalRaised: [],
} satisfies Record<Exclude<OwnEvent['type'], PublishedType>, UpcastSteps>;
