import type { JapanDay } from '@tsunagu/kernel';
import type { CertificateBound } from './certificate.js';
import type { PersonEvent } from './person.js';
import { bound, differentPersons, type KnownPerson } from './sign-in.js';

/** Stream `subject-<ref>`: one subject of an OpenID issuer, by keyed hash of both, belongs to one person for ever. */
export interface SubjectBound {
  readonly type: 'SubjectBound';
  readonly data: {
    readonly personId: string;
    readonly subjectRef: string;
    readonly issuer: string;
    /**
     * `first`: it registered the person; `session`: it was proven in a session of the person, whose card was proven before;
     * `signature`: the person's card signed in the login.
     */
    readonly by: 'first' | 'session' | 'signature';
  };
}

export function subjectStream(subjectRef: string): string {
  return `subject-${subjectRef}`;
}

/** The person the subject belongs to; undefined while it is free. */
export function personOfSubject(events: readonly SubjectBound[]): string | undefined {
  return events[0]?.data.personId;
}

/** Everything the decision about a proven subject knows. */
export interface Login {
  readonly subjectRef: string;
  readonly issuer: string;
  /** Whom the subject belongs to. */
  readonly holder: KnownPerson | undefined;
  /** What the login tells; null where it does not. */
  readonly birthDate: JapanDay | null;
  /** The person in whose session it was proven, to be joined to them; null for a plain sign-in. */
  readonly session: KnownPerson | null;
  /** What a card that signed in the login proves; null where none did. */
  readonly signature: SignedLogin | null;
  /** The id for a person who turns out to be new. */
  readonly newPersonId: string;
}

export interface SignedLogin {
  /** Whose the certificates are that link data ties to the one that signed. */
  readonly holder: KnownPerson | undefined;
  /** Those of them that are nobody's yet. */
  readonly freeRefs: readonly string[];
  /** What the certificate tells. */
  readonly birthDate: JapanDay | null;
}

export interface LoggedIn {
  readonly outcome: 'logged_in';
  /** Whose stream is written. */
  readonly boundTo: string;
  readonly personId: string;
  readonly isNew: boolean;
  /** With the next two for one request: the person's stream, the subject's and those of certificates, which must not exist yet. */
  readonly person: readonly PersonEvent[];
  /** Null when the subject was theirs before. */
  readonly subject: SubjectBound | null;
  readonly certificates: readonly CertificateBound[];
}

/** The login does not belong together with the session or with the card that signed: for staff to look at. */
export interface LoginContradiction {
  readonly outcome: 'contradiction';
  /** The persons of the subject, the session and the card; those that are nobody's are absent. */
  readonly personIds: readonly string[];
  /** One English sentence without personal data. */
  readonly detail: string;
}

/**
 * Who proved a subject: its person; that of the session or of the card that signed, when it is free; else a new one. Different
 * persons, and a second subject of one issuer for one person, are contradictions: nothing is merged. So are two birth dates: at a
 * shared terminal the session may be the one that somebody else left open, and a card at home somebody else's.
 *
 * A card that signed and is nobody's becomes the person's, with all that link data ties to it, where they have no other one.
 */
export function decideLogin(login: Login): LoggedIn | LoginContradiction {
  const { subjectRef, issuer, holder, session, signature, newPersonId } = login;
  const detail = contradiction(login);
  if (detail) {
    const personIds = differentPersons([holder, session ?? undefined, signature?.holder]);
    return { outcome: 'contradiction', personIds, detail };
  }
  const known = signature?.holder ?? session ?? holder;
  const boundTo = known?.boundTo ?? newPersonId;
  const data = { personId: boundTo, subjectRef, issuer };
  const isFree = holder === undefined;
  const certificateRefs = signature?.freeRefs ?? [];
  const person: PersonEvent[] = known ? [] : [{ type: 'PersonRegistered', data: { personId: boundTo } }];
  if (isFree) person.push({ type: 'SubjectAdded', data });
  if (certificateRefs.length > 0) {
    person.push({ type: 'CardJoined', data: { personId: boundTo, certificateRefs, by: 'loginSignature' } });
  }
  const by = signature?.holder ? 'signature' : session ? 'session' : 'first';
  return {
    outcome: 'logged_in',
    boundTo,
    personId: known?.personId ?? newPersonId,
    isNew: known === undefined,
    person,
    subject: isFree ? { type: 'SubjectBound', data: { ...data, by } } : null,
    certificates: certificateRefs.map((ref) => bound(boundTo, ref, 'linked')),
  };
}

function contradiction({ holder, issuer, birthDate, session, signature }: Login): string | null {
  if (holder && session && holder.personId !== session.personId) {
    return 'The national login belongs to another person than the session.';
  }
  const card = signature?.holder;
  const other = holder ?? session;
  if (card && other && card.personId !== other.personId) {
    return `The card that signed belongs to another person than the ${holder ? 'national login' : 'session'}.`;
  }
  const known = card ?? other;
  if (!holder && known?.subjects.some((subject) => subject.issuer === issuer)) {
    return `The person of the ${card ? 'card that signed' : 'session'} has another national login.`;
  }
  if (signature && !card && known?.hasCard) return 'The person of the login has another card than the one that signed.';
  // Whose the login is was settled before; only a card brings somebody else into it.
  if (holder && !signature) return null;
  const told = [card, holder, session]
    .map((each) => each?.birthDate)
    .concat(birthDate, signature?.birthDate)
    .filter((each) => each != null);
  if (new Set(told).size <= 1) return null;
  return signature
    ? 'The card that signed tells of somebody else than the national login.'
    : 'The national login tells of somebody else than the session.';
}
