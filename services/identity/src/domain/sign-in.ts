import type { JapanDay } from '@tsunagu/kernel';
import type { CertificateBound } from './certificate.js';
import type { MyKeyIdReserved } from './my-key-id.js';
import type { PersonEvent, PersonSubject } from './person.js';

/** Whom a certificate was bound to, and the person that this id means today, after merges. */
export interface Holder {
  readonly boundTo: string;
  readonly personId: string;
}

/** What is known of a person whom a card or a login may belong to, under all ids that mean them. */
export interface KnownPerson extends Holder {
  readonly subjects: readonly PersonSubject[];
  readonly hasCard: boolean;
  readonly birthDate: JapanDay | null;
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
  /** The person in whose session of the national login it is presented, to be joined to them; null for a plain sign-in. */
  readonly session: KnownPerson | null;
  /** What the card tells, where its attributes may be read. */
  readonly birthDate: JapanDay | null;
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

/** The card and the session that it was to be joined in do not belong together: for staff to look at. */
export interface NotJoined {
  readonly outcome: 'not_joined';
  /** The persons of the card and of the session; one where the card is nobody's. */
  readonly personIds: readonly string[];
  /** One English sentence without personal data. */
  readonly detail: string;
}

/**
 * Who presented a certificate that belongs to nobody yet: the person of any known certificate that link data ties to it; a new
 * person where none is known. All certificates that link data names are reserved for that person.
 *
 * The certificate is bound to the id of the nearest one known, also where that person was merged into another: so a split gives
 * each its cards back without moving any.
 *
 * In a session that it is to be joined in, a card that is nobody's becomes that person's, where they have no other one: a card that
 * follows theirs is known by link data.
 */
export function decideSignIn(signIn: SignIn): SignedIn | Contradiction | NotJoined {
  const { certificateRef, linkedRefs, session } = signIn;
  const tied = tiedPerson(signIn);
  if ('outcome' in tied) return tied;
  const { holder, freeRefs } = tied;
  const detail = session && notJoined(session, holder, signIn.birthDate);
  if (detail) return { outcome: 'not_joined', personIds: differentPersons([holder, session]), detail };
  const boundTo = holder?.boundTo ?? session?.boundTo ?? signIn.newPersonId;
  const free = freeRefs.filter((ref) => ref !== certificateRef);
  const certificates = [
    bound(boundTo, certificateRef, 'presented'),
    ...free.map((ref) => bound(boundTo, ref, 'linked')),
  ];
  if (holder) return ofKnown(holder, certificateRef, linkedRefs, certificates);
  return session ? ofSession(session, signIn, certificates) : ofNew(signIn, certificates);
}

/** Each person once, in the order given. */
export function differentPersons(known: readonly (Holder | undefined)[]): readonly string[] {
  return [...new Set(known.flatMap((each) => each?.personId ?? []))];
}

/** Why a card does not belong to the session that it was presented in; null where it may. `holder`: whose it is already. */
export function notJoined(session: KnownPerson, holder: Holder | undefined, birthDate: JapanDay | null): string | null {
  if (holder) {
    return holder.personId === session.personId ? null : 'The card belongs to another person than the session.';
  }
  if (session.hasCard) return 'The person of the session has another card.';
  const differ = session.birthDate !== null && birthDate !== null && session.birthDate !== birthDate;
  return differ ? 'The card tells of somebody else than the session.' : null;
}

/** Whose the known ones of some certificates are, and those that may be reserved for them. */
export function tiedPerson({
  linkedRefs,
  holders,
  assignedTo,
}: Pick<SignIn, 'linkedRefs' | 'holders' | 'assignedTo'>):
  | { readonly holder: Holder | undefined; readonly freeRefs: readonly string[] }
  | Contradiction {
  const known = linkedRefs.flatMap((ref) => holders.get(ref) ?? []);
  const persons = new Set(known.map(({ personId }) => personId));
  if (persons.size <= 1) {
    return { holder: known[0], freeRefs: [...new Set(linkedRefs)].filter((ref) => !holders.has(ref)) };
  }
  const assigned = known.find(({ boundTo, personId }) => boundTo === assignedTo || personId === assignedTo);
  // Link data was found wrong: nothing else that it names is reserved.
  if (assigned) return { holder: assigned, freeRefs: [] };
  return { outcome: 'contradiction', personIds: [...new Set(known.map(({ boundTo }) => boundTo))].sort() };
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

function ofSession(
  { boundTo, personId }: KnownPerson,
  { freeMyKeyIdRef: myKeyIdRef, programmeId }: SignIn,
  certificates: readonly CertificateBound[],
): SignedIn {
  const certificateRefs = certificates.map(({ data }) => data.certificateRef);
  const joined: PersonEvent = { type: 'CardJoined', data: { personId: boundTo, certificateRefs, by: 'session' } };
  const known = { outcome: 'signed_in', boundTo, personId, isNew: false, certificates } as const;
  if (myKeyIdRef === null) return { ...known, person: [joined], myKeyId: null };
  return {
    ...known,
    person: [joined, { type: 'MyKeyIdRegistered', data: { personId: boundTo, programmeId, myKeyIdRef } }],
    myKeyId: { type: 'MyKeyIdReserved', data: { personId: boundTo, myKeyIdRef } },
  };
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

export function bound(personId: string, certificateRef: string, by: CertificateBound['data']['by']): CertificateBound {
  return { type: 'CertificateBound', data: { personId, certificateRef, by } };
}
