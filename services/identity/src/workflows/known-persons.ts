import type { EventLog, StreamWrite } from '@tsunagu/event-store';
import { fold, type PersonEvent, personStream } from '../domain/person.js';
import type { KnownPerson } from '../domain/sign-in.js';
import type { Vault } from '../outbound/vault.js';
import { domainEvents, revisionOf } from '../recording.js';
import { countCards } from './persons-of-cards.js';
import type { Survivors } from './survivors.js';

/** A person as a decision sees them, and as which revision of the stream of the id that was asked for. */
export interface PersonRead extends KnownPerson {
  readonly revision: StreamWrite['expectedRevision'];
  readonly hasMyKeyId: boolean;
  readonly erasureId: string | null;
}

/** What is known of the person whom an id means, read after the revision that guards it. */
export async function readPerson(
  { log, vault, survivors }: { log: EventLog; vault: Pick<Vault, 'attributes'>; survivors: Survivors },
  boundTo: string,
): Promise<PersonRead> {
  const own = personStream(boundTo);
  const streams = await log.readStreams([own]);
  const person = fold(domainEvents<PersonEvent>(streams, own));
  if (!person) throw new Error('a person who is not registered');
  const { personId, erasureId, myKeyIdRef } = await survivors.one(boundTo);
  const ids = await survivors.all(boundTo);
  return {
    boundTo,
    personId,
    erasureId,
    subjects: ids.flatMap(({ subjects }) => subjects),
    hasCard: (await countCards(log, ids)) > 0,
    hasMyKeyId: (person.myKeyIdRef ?? myKeyIdRef) !== null,
    birthDate: (await vault.attributes(personId))?.birthDate ?? null,
    revision: revisionOf(streams, own),
  };
}
