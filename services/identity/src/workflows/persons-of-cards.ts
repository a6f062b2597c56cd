import type { EventLog } from '@tsunagu/event-store';
import { type CertificateBound, certificateStream, personOf } from '../domain/certificate.js';
import type { Person } from '../domain/person.js';
import type { Holder } from '../domain/sign-in.js';
import { type SubjectBound, subjectStream } from '../domain/subject.js';
import { domainEvents } from '../recording.js';
import type { Survivors } from './survivors.js';

/** Whose each of these certificates is, by their streams as they were read; those that are free are absent. */
export async function holdersOf(
  survivors: Survivors,
  refs: readonly string[],
  streams: Parameters<typeof domainEvents>[0],
): Promise<ReadonlyMap<string, Holder>> {
  const bound = refs.flatMap((ref) => {
    const boundTo = personOf(domainEvents<CertificateBound>(streams, certificateStream(ref)));
    return boundTo === undefined ? [] : [{ ref, boundTo }];
  });
  const persons = await survivors.of(bound.map(({ boundTo }) => boundTo));
  return new Map(
    bound.map(({ ref, boundTo }) => {
      const person = persons.get(boundTo);
      if (!person) throw new Error('a certificate that is bound to nobody');
      return [ref, { boundTo, personId: person.personId }];
    }),
  );
}

/** How many cards some ids have: those that came later, and the one that registered the id, where no login did. */
export async function countCards(log: EventLog, ids: readonly Person[]): Promise<number> {
  const names = ids.flatMap(({ subjects }) => subjects.map(({ subjectRef }) => subjectStream(subjectRef)));
  const streams = await log.readStreams(names);
  const byLogin = new Set(
    names.flatMap((name) => {
      const [bound] = domainEvents<SubjectBound>(streams, name);
      return bound?.data.by === 'first' ? [bound.data.personId] : [];
    }),
  );
  return ids.reduce((sum, { personId, laterCards }) => sum + laterCards + (byLogin.has(personId) ? 0 : 1), 0);
}
