import { appendOne, type EventLog, type StreamWrite } from '@tsunagu/event-store';
import { type Clock, ok, type Result, refuse } from '@tsunagu/kernel';
import { Problem } from '@tsunagu/service-host';
import {
  approveErasure,
  checkErasure,
  type Erasure,
  type ErasureEvent,
  type ErasureProposed,
  erasureStream,
  eventsOfErasure,
  foldErasure,
} from '../domain/erasure.js';
import { fold, type PersonEvent, personStream } from '../domain/person.js';
import type { SessionEnds } from '../outbound/session-ends.js';
import type { Vault } from '../outbound/vault.js';
import { domainEvents, eventBy, revisionOf, serviceActor } from '../recording.js';
import type { Staff } from './merging.js';
import type { Survivors } from './survivors.js';

/** Lost races for the streams of a person before it counts as an outage. */
const attemptsMax = 50;

export type ErasureRefusal =
  | 'request.not_found'
  | 'identity.erased'
  | 'identity.erasure_outdated'
  | 'identity.second_person_required';

/** What proves that an id was erased: where the log says which key had to go, and when that was destroyed. */
export interface ErasedId {
  readonly personId: string;
  readonly log: number;
  readonly position: number;
  readonly keyHash: string;
  /** Null in the moments until it is. */
  readonly destroyedAt: string | null;
}

type ErasingVault = Pick<Vault, 'keyHashes' | 'destroyKeys' | 'destroyedAt'>;
type PersonErased = Extract<PersonEvent, { type: 'PersonErased' }>;
type Streams = Parameters<typeof revisionOf>[0];

/**
 * Erasure of a person: one of the staff proposes, another approves. First the log says it of every id that means the person, in one
 * request; then their sessions end; then their keys are destroyed. What a crash leaves undone is found by the log and finished.
 */
export class Erasing {
  constructor(
    private readonly log: EventLog,
    private readonly clock: Clock,
    private readonly sessionEnds: Pick<SessionEnds, 'endOfPerson'>,
    private readonly vault: ErasingVault,
    private readonly survivors: Survivors,
  ) {}

  async find(erasureId: string): Promise<Erasure | undefined> {
    const stream = erasureStream(erasureId);
    return foldErasure(domainEvents<ErasureEvent>(await this.log.readStreams([stream]), stream));
  }

  async propose(
    { personId, ...proposed }: Omit<ErasureProposed, 'personIds' | 'proposedBy'> & { readonly personId: string },
    by: Staff,
  ): Promise<Result<Erasure, ErasureRefusal>> {
    const { erasureId } = proposed;
    const known = await this.find(erasureId);
    if (known) return ok(known);
    const person = (await this.survivors.of([personId])).get(personId);
    if (!person) return refuse('request.not_found');
    if (person.erasureId !== null) return refuse('identity.erased');
    const data = { ...proposed, personIds: await this.survivors.idsOf(person), proposedBy: by.actor };
    const write = this.write(erasureStream(erasureId), new Map(), [{ type: 'ErasureProposed', data }], by);
    await appendOne(this.log, { writes: [write] });
    return ok(await this.existing(erasureId));
  }

  /** The second person: nothing is known of the person from then on, for good. */
  async approve(erasureId: string, by: Staff): Promise<Result<Erasure, ErasureRefusal>> {
    const own = erasureStream(erasureId);
    const proposed = await this.find(erasureId);
    if (!proposed) return refuse('request.not_found');
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      // All of it at one moment: else who approves twice would find their person erased, by themselves.
      const streams = await this.log.readStreams([own, ...proposed.personIds.map(personStream)]);
      const erasure = foldErasure(domainEvents<ErasureEvent>(streams, own)) ?? proposed;
      const approved = approveErasure(erasure, by.actor);
      if (!approved.ok) return approved;
      if (approved.value) {
        const ofPersons = await this.personWrites(erasure, streams, by);
        if (!ofPersons.ok) return ofPersons;
        if (!ofPersons.value) continue;
        const writes = [this.write(own, streams, [approved.value], by), ...ofPersons.value];
        if (!(await appendOne(this.log, { writes }))) continue;
      }
      await this.finish(erasureId, by.correlationId);
      return ok(await this.existing(erasureId));
    }
    throw new Error('a person changed at every look');
  }

  /** What follows from an approved erasure. Safe to repeat; of one that waits for its second person nothing follows. */
  async finish(erasureId: string, correlationId: string): Promise<void> {
    const erasure = await this.existing(erasureId);
    if (erasure.state !== 'approved') return;
    const { personIds } = erasure;
    for (const personId of personIds) await this.sessionEnds.endOfPerson(personId);
    const streams = await this.log.readStreams(personIds.map(personStream));
    const keyHashes = personIds.flatMap((personId): [string, string][] => {
      return erasedIn(streams, personId).map(({ data }) => [personId, data.keyHash]);
    });
    await this.vault.destroyKeys(new Map(keyHashes), this.clock.now());
    const stream = erasureStream(erasureId);
    const by = { actor: serviceActor, correlationId };
    const done: ErasureEvent = { type: 'ErasureCompleted', data: { erasureId } };
    // Two who finish it at the same moment: the second finds it done.
    const read = await this.log.readStreams([stream]);
    if (foldErasure(domainEvents<ErasureEvent>(read, stream))?.state === 'done') return;
    await appendOne(this.log, { writes: [this.write(stream, read, [done], by)] });
  }

  async erasedIds({ personIds, state }: Erasure): Promise<readonly ErasedId[]> {
    if (state === 'proposed') return [];
    const streams = await this.log.readStreams(personIds.map(personStream));
    const destroyedAt = await this.vault.destroyedAt(personIds);
    return personIds.flatMap((personId) =>
      erasedIn(streams, personId).map(({ log, position, data: { keyHash } }) => {
        return { personId, log, position, keyHash, destroyedAt: destroyedAt.get(personId) ?? null };
      }),
    );
  }

  /**
   * On the stream of every id, each as it was read: a merge or a split at the same moment comes before it or after it. Undefined where
   * a key was destroyed since then: the log says by whom.
   */
  private async personWrites(
    { erasureId, personIds }: Erasure,
    streams: Streams,
    by: Staff,
  ): Promise<Result<readonly StreamWrite[] | undefined, 'identity.erased' | 'identity.erasure_outdated'>> {
    const persons = personIds.flatMap(
      (personId) => fold(domainEvents<PersonEvent>(streams, personStream(personId))) ?? [],
    );
    const possible = checkErasure(personIds, new Map(persons.map((person) => [person.personId, person])));
    if (!possible.ok) return possible;
    const left = persons.filter(({ erasureId: before }) => before === null);
    const keyHashes = await this.vault.keyHashes(left.map(({ personId }) => personId)).catch(ifErased);
    if (!keyHashes) return ok(undefined);
    const events = eventsOfErasure(erasureId, left, keyHashes);
    return ok(events.map((event) => this.write(personStream(event.data.personId), streams, [event], by)));
  }

  private async existing(erasureId: string): Promise<Erasure> {
    const erasure = await this.find(erasureId);
    if (!erasure) throw new Error('an erasure that nobody proposed');
    return erasure;
  }

  private write(
    stream: string,
    read: Streams,
    events: readonly (ErasureEvent | PersonErased)[],
    { actor, correlationId }: Staff,
  ): StreamWrite {
    const by = { actor, correlationId, nowMs: this.clock.now() };
    return { stream, expectedRevision: revisionOf(read, stream), events: events.map((event) => eventBy(event, by)) };
  }
}

function ifErased(error: unknown): undefined {
  if (error instanceof Problem && error.refusal.code === 'identity.erased') return undefined;
  throw error;
}

/** At most one: an id is erased once. */
function erasedIn(streams: Streams, personId: string) {
  const events = streams.get(personStream(personId)) ?? [];
  return events.flatMap(({ type, log, position, data }) =>
    type === 'PersonErased' ? [{ log, position, data: data as PersonErased['data'] }] : [],
  );
}
