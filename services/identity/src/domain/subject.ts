import type { JapanDay } from '@tsunagu/kernel';
import type { PersonEvent, PersonSubject } from './person.js';

/** Stream `subject-<ref>`: one subject of an OpenID issuer, by keyed hash of both, belongs to one person for ever. */
export interface SubjectBound {
  readonly type: 'SubjectBound';
  readonly data: {
    readonly personId: string;
    readonly subjectRef: string;
    readonly issuer: string;
    /** `first`: it registered the person; `session`: it was proven in a session of the person, whose card was proven before. */
    readonly by: 'first' | 'session';
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
  readonly holder: string | undefined;
  /** What the login tells; null where it does not. */
  readonly birthDate: JapanDay | null;
  /** The person in whose session it was proven, to be joined to them, and what is known of them; null for a plain sign-in. */
  readonly session: {
    readonly personId: string;
    readonly subjects: readonly PersonSubject[];
    readonly birthDate: JapanDay | null;
  } | null;
  /** The id for a person who turns out to be new. */
  readonly newPersonId: string;
}

export interface LoggedIn {
  readonly outcome: 'logged_in';
  readonly personId: string;
  readonly isNew: boolean;
  /** For the person's stream and the subject's, in one request; none when the subject was theirs before. */
  readonly person: readonly PersonEvent[];
  readonly subject: SubjectBound | null;
}

/** The login and the session do not belong together: for staff to look at. */
export interface LoginContradiction {
  readonly outcome: 'contradiction';
  /** The persons of the subject and of the session; one where the subject is nobody's. */
  readonly personIds: readonly string[];
  /** One English sentence without personal data. */
  readonly detail: string;
}

/**
 * Who proved a subject: its person; the person of the session, when it is free; else a new one. A session's person and a subject's
 * that differ, and a second subject of one issuer for one person, are contradictions: nothing is merged. So are two birth dates:
 * at a shared terminal the session may be the one that somebody else left open.
 */
export function decideLogin(login: Login): LoggedIn | LoginContradiction {
  const { subjectRef, issuer, holder, session, newPersonId } = login;
  if (holder !== undefined && (!session || session.personId === holder)) {
    return { outcome: 'logged_in', personId: holder, isNew: false, person: [], subject: null };
  }
  const detail = session && contradiction(login, session);
  if (detail) {
    const personIds = [...(holder === undefined ? [] : [holder]), session.personId];
    return { outcome: 'contradiction', personIds, detail };
  }
  const personId = session?.personId ?? newPersonId;
  const data = { personId, subjectRef, issuer };
  const added: PersonEvent = { type: 'SubjectAdded', data };
  return {
    outcome: 'logged_in',
    personId,
    isNew: session === null,
    person: session ? [added] : [{ type: 'PersonRegistered', data: { personId } }, added],
    subject: { type: 'SubjectBound', data: { ...data, by: session ? 'session' : 'first' } },
  };
}

function contradiction({ holder, issuer, birthDate }: Login, session: NonNullable<Login['session']>): string | null {
  if (holder !== undefined) return 'The national login belongs to another person than the session.';
  if (session.subjects.some((known) => known.issuer === issuer)) {
    return 'The person of the session has another national login.';
  }
  const differ = session.birthDate !== null && birthDate !== null && session.birthDate !== birthDate;
  return differ ? 'The national login tells of somebody else than the session.' : null;
}
