import { ok, type Result, refuse } from '@tsunagu/kernel';
import type { CertificateBound } from './certificate.js';
import type { MyKeyIdReserved } from './my-key-id.js';
import type { PersonEvent } from './person.js';

/** Everything the decision about a presented certificate knows. Certificates and MyKey IDs are keyed hashes. */
export interface SignIn {
  readonly certificateRef: string;
  /** What link data names as its predecessors, nearest first. */
  readonly predecessorRefs: readonly string[];
  /** Whom each of these certificates belongs to; those that are free are absent. */
  readonly holders: ReadonlyMap<string, string>;
  /** The string that the card brings along; null when it brings none or another person holds it. */
  readonly freeMyKeyIdRef: string | null;
  /** The id for a person who turns out to be new. */
  readonly newPersonId: string;
  readonly programmeId: string;
}

export interface SignedIn {
  readonly personId: string;
  readonly isNew: boolean;
  readonly person: readonly PersonEvent[];
  /** Each for its own stream, which must not exist yet. */
  readonly certificates: readonly CertificateBound[];
  readonly myKeyId: MyKeyIdReserved | null;
}

/**
 * Who presented a certificate that belongs to nobody yet: the person of a known predecessor; a new person where none is known. All
 * certificates that link data names are reserved for that person. Predecessors of two persons are a contradiction.
 */
export function decideSignIn(signIn: SignIn): Result<SignedIn, 'identity.under_review'> {
  const { certificateRef, predecessorRefs, holders, newPersonId } = signIn;
  const known = new Set(predecessorRefs.flatMap((ref) => holders.get(ref) ?? []));
  if (known.size > 1) {
    return refuse('identity.under_review', { detail: 'The cards before this one belong to more than one person.' });
  }
  const [holder] = known;
  const personId = holder ?? newPersonId;
  const reserved = [...new Set(predecessorRefs)].filter((ref) => ref !== certificateRef && !holders.has(ref));
  const certificates: readonly CertificateBound[] = [
    { type: 'CertificateBound', data: { personId, certificateRef, by: 'presented' } },
    ...reserved.map(
      (ref) => ({ type: 'CertificateBound', data: { personId, certificateRef: ref, by: 'linked' } }) as const,
    ),
  ];
  if (holder !== undefined) {
    const superseded: PersonEvent = {
      type: 'CertificateSuperseded',
      data: { personId, certificateRef, predecessorRefs },
    };
    return ok({ personId, isNew: false, person: [superseded], certificates, myKeyId: null });
  }
  const registered: PersonEvent = { type: 'PersonRegistered', data: { personId } };
  const myKeyIdRef = signIn.freeMyKeyIdRef;
  if (myKeyIdRef === null) return ok({ personId, isNew: true, person: [registered], certificates, myKeyId: null });
  const data = { personId, programmeId: signIn.programmeId, myKeyIdRef };
  return ok({
    personId,
    isNew: true,
    person: [registered, { type: 'MyKeyIdRegistered', data }],
    certificates,
    myKeyId: { type: 'MyKeyIdReserved', data: { personId, myKeyIdRef } },
  });
}
