import type { CertificateBound } from './certificate.js';
import type { MyKeyIdReserved } from './my-key-id.js';
import type { PersonEvent } from './person.js';

/** Whom a certificate was bound to, and the person that this id means today, after merges. */
export interface Holder {
  readonly boundTo: string;
  readonly personId: string;
}

/** Everything the decision about a presented certificate knows. Certificates and MyKey IDs are keyed hashes. */
export interface SignIn {
  readonly certificateRef: string;
  /** What link data ties to it: predecessors, nearest first, then certificates of the same person beside it (a phone's, a card's). */
  readonly linkedRefs: readonly string[];
  /** Whose each of these certificates is; those that are free are absent. */
  readonly holders: ReadonlyMap<string, Holder>;
  /** Whose the certificate is by a decided review of contradicting link data; null where there was none. */
  readonly assignedTo: string | null;
  /** The string that the card brings along; null when it brings none or another person holds it. */
  readonly freeMyKeyIdRef: string | null;
  /** The id for a person who turns out to be new. */
  readonly newPersonId: string;
  readonly programmeId: string;
}

export interface SignedIn {
  readonly outcome: 'signed_in';
  /** Whose stream is written: the id to which the certificate is bound, which a merge may have led to another one. */
  readonly boundTo: string;
  readonly personId: string;
  readonly isNew: boolean;
  readonly person: readonly PersonEvent[];
  /** Each for its own stream, which must not exist yet. */
  readonly certificates: readonly CertificateBound[];
  readonly myKeyId: MyKeyIdReserved | null;
}

/** Link data ties the certificate to more than one person: staff decide, nobody guesses. */
export interface Contradiction {
  readonly outcome: 'contradiction';
  /** To which the certificates are bound: a merge of one of them may turn out to be wrong. */
  readonly personIds: readonly string[];
}

/**
 * Who presented a certificate that belongs to nobody yet: the person of any known certificate that link data ties to it; a new
 * person where none is known. All certificates that link data names are reserved for that person.
 *
 * The certificate is bound to the id of the nearest one known, also where that person was merged into another: so a split gives
 * each its cards back without moving any.
 */
export function decideSignIn(signIn: SignIn): SignedIn | Contradiction {
  const { certificateRef, linkedRefs, holders, assignedTo } = signIn;
  const known = linkedRefs.flatMap((ref) => holders.get(ref) ?? []);
  const persons = new Set(known.map(({ personId }) => personId));
  if (persons.size > 1) {
    const assigned = known.find(({ boundTo, personId }) => boundTo === assignedTo || personId === assignedTo);
    if (!assigned)
      return { outcome: 'contradiction', personIds: [...new Set(known.map(({ boundTo }) => boundTo))].sort() };
    // Link data was found wrong: nothing else that it names is reserved.
    return ofKnown(assigned, certificateRef, linkedRefs, [bound(assigned.boundTo, certificateRef, 'presented')]);
  }
  const [holder] = known;
  const boundTo = holder?.boundTo ?? signIn.newPersonId;
  const free = [...new Set(linkedRefs)].filter((ref) => ref !== certificateRef && !holders.has(ref));
  const certificates = [
    bound(boundTo, certificateRef, 'presented'),
    ...free.map((ref) => bound(boundTo, ref, 'linked')),
  ];
  return holder ? ofKnown(holder, certificateRef, linkedRefs, certificates) : ofNew(signIn, certificates);
}

function ofKnown(
  { boundTo, personId }: Holder,
  certificateRef: string,
  predecessorRefs: readonly string[],
  certificates: readonly CertificateBound[],
): SignedIn {
  const data = { personId: boundTo, certificateRef, predecessorRefs };
  const person: readonly PersonEvent[] = [{ type: 'CertificateSuperseded', data }];
  return { outcome: 'signed_in', boundTo, personId, isNew: false, person, certificates, myKeyId: null };
}

function ofNew(
  { newPersonId: personId, freeMyKeyIdRef: myKeyIdRef, programmeId }: SignIn,
  certificates: readonly CertificateBound[],
): SignedIn {
  const registered: PersonEvent = { type: 'PersonRegistered', data: { personId } };
  const fresh = { outcome: 'signed_in', boundTo: personId, personId, isNew: true, certificates } as const;
  if (myKeyIdRef === null) return { ...fresh, person: [registered], myKeyId: null };
  return {
    ...fresh,
    person: [registered, { type: 'MyKeyIdRegistered', data: { personId, programmeId, myKeyIdRef } }],
    myKeyId: { type: 'MyKeyIdReserved', data: { personId, myKeyIdRef } },
  };
}

function bound(personId: string, certificateRef: string, by: CertificateBound['data']['by']): CertificateBound {
  return { type: 'CertificateBound', data: { personId, certificateRef, by } };
}
