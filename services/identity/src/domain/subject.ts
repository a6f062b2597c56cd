import { type JapanDay, ok, type Result, refuse } from '@tsunagu/kernel';
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
  readonly personId: string;
  readonly isNew: boolean;
  /** For the person's stream and the subject's, in one request; none when the subject was theirs before. */
  readonly person: readonly PersonEvent[];
  readonly subject: SubjectBound | null;
}

/**
 * Who proved a subject: its person; the person of the session, when it is free; else a new one. A session's person and a subject's
 * that differ, and a second subject of one issuer for one person, are contradictions: staff look at them, nothing is merged. So are
 * two birth dates: at a shared terminal the session may be the one that somebody else left open.
 */
export function decideLogin(login: Login): Result<LoggedIn, 'identity.under_review'> {
  const { subjectRef, issuer, holder, session, newPersonId } = login;
  if (holder !== undefined) {
    if (session && session.personId !== holder) {
      return refuse('identity.under_review', {
        detail: 'The national login belongs to another person than the session.',
      });
    }
    return ok({ personId: holder, isNew: false, person: [], subject: null });
  }
  if (session?.subjects.some((known) => known.issuer === issuer)) {
    return refuse('identity.under_review', { detail: 'The person of the session has another national login.' });
  }
  if (session?.birthDate && login.birthDate && session.birthDate !== login.birthDate) {
    return refuse('identity.under_review', { detail: 'The national login tells of somebody else than the session.' });
  }
  const personId = session?.personId ?? newPersonId;
  const data = { personId, subjectRef, issuer };
  const added: PersonEvent = { type: 'SubjectAdded', data };
  return ok({
    personId,
    isNew: session === null,
    person: session ? [added] : [{ type: 'PersonRegistered', data: { personId } }, added],
    subject: { type: 'SubjectBound', data: { ...data, by: session ? 'session' : 'first' } },
  });
}
