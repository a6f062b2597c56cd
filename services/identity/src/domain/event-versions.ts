import type { PublishedType } from '@tsunagu/contracts';
import type { UpcastSteps } from '@tsunagu/kernel';
import type { CertificateBound } from './certificate.js';
import type { FreezeEvent } from './freeze.js';
import type { MyKeyIdReserved } from './my-key-id.js';
import type { PersonEvent } from './person.js';

type OwnEvent = PersonEvent | CertificateBound | MyKeyIdReserved | FreezeEvent;

/** This service's own events, each with the steps from its older versions; those of published ones stand in the contracts. */
export const upcasts = {
  CertificateBound: [],
  CertificateSuperseded: [],
  MyKeyIdReserved: [],
  MyKeyIdRegistered: [],
  AttributesVerified: [],
  PersonFrozen: [],
  FreezeLifted: [],
} satisfies Record<Exclude<OwnEvent['type'], PublishedType>, UpcastSteps>;
