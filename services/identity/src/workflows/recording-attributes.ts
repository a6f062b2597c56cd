import { appendOne, type EventLog, type StreamWrite } from '@tsunagu/event-store';
import { type Clock, idFromScope } from '@tsunagu/kernel';
import { isWithdrawnReading } from '../domain/consent.js';
import { type DigestShared, digestStream, personsWith } from '../domain/digest.js';
import {
  type Alike,
  decideAttributes,
  decideLikeness,
  fold,
  type Person,
  type PersonEvent,
  personStream,
  type Reading,
} from '../domain/person.js';
import { foldReview, pairScope, type ReviewEvent, reviewStream } from '../domain/review.js';
import type { Vault } from '../outbound/vault.js';
import { actOf, domainEvents, eventBy, revisionOf, serviceActor } from '../recording.js';
import { type Attributes, namesRead } from '../verification/attributes.js';
import type { Survivors } from './survivors.js';

/** Each lost race is another reading of the same person, or another person with the same digest. */
const attemptsMax = 50;

/** What was read from a card: kept, recorded, and compared with what is known of others (DOMAIN §3, the digest rule). */
export class RecordingAttributes {
  constructor(
    private readonly log: EventLog,
    private readonly vault: Pick<Vault, 'keep' | 'forgetWithdrawn' | 'attributesDigest' | 'likeness' | 'isTelling'>,
    private readonly clock: Clock,
    private readonly survivors: Survivors,
  ) {}

  /**
   * Keeps what was read, then records that it was; a person whose digest others share waits with grants from then on. What turns out
   * to have been read before a withdrawal is forgotten again: the withdrawal may have forgotten before it was kept.
   */
  async record(personId: string, attributes: Attributes, correlationId: string): Promise<void> {
    await this.vault.keep([{ personId, attributes }], attributes.readAt);
    const reading: Reading = {
      kind: attributes.source ?? 'signatureCertificate',
      attributes: namesRead(attributes),
      readAt: attributes.readAt,
      digest: this.vault.attributesDigest(attributes),
      likeness: this.vault.likeness(attributes),
    };
    const isTelling = this.vault.isTelling(attributes);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const decided = await this.decide(personId, reading, isTelling, correlationId);
      if ('withdrawnAt' in decided) return this.vault.forgetWithdrawn(personId, decided.withdrawnAt);
      const { writes } = decided;
      if (writes.length === 0 || (await appendOne(this.log, { writes }))) return;
    }
    throw new Error('a person changed at every look');
  }

  /** All of it in one request: of two persons who come to one digest at the same moment, the second sees the first. */
  private async decide(
    personId: string,
    reading: Reading,
    isTelling: boolean,
    correlationId: string,
  ): Promise<{ readonly writes: readonly StreamWrite[] } | { readonly withdrawnAt: string }> {
    const own = personStream(personId);
    const shared = digestStream(reading.digest);
    const streams = await this.log.readStreams(isTelling ? [own, shared] : [own]);
    const person = fold(domainEvents<PersonEvent>(streams, own));
    if (!person) throw new Error('attributes of a person who is not registered');
    // Erased since the vault took them: they go with its key.
    if (person.erasureId !== null) return { writes: [] };
    const { attributesWithdrawnAt } = person;
    if (attributesWithdrawnAt !== null && isWithdrawnReading(person, reading.readAt)) {
      return { withdrawnAt: attributesWithdrawnAt };
    }
    const verified = decideAttributes(person, reading);
    const known = personsWith(domainEvents<DigestShared>(streams, shared));
    const nowMs = this.clock.now();
    const mine = (events: readonly PersonEvent[]): StreamWrite => ({
      stream: own,
      expectedRevision: revisionOf(streams, own),
      events: events.map((event) => actOf(event, nowMs, correlationId)),
    });
    if (!isTelling || known.includes(personId)) return { writes: verified.length === 0 ? [] : [mine(verified)] };

    const { held, writes } = await this.compare(person, known, correlationId);
    const share: DigestShared = { type: 'DigestShared', data: { personId, digest: reading.digest } };
    const changed = [...verified, ...held];
    const sharing: StreamWrite = {
      stream: shared,
      expectedRevision: revisionOf(streams, shared),
      events: [actOf(share, nowMs, correlationId)],
    };
    return { writes: [...(changed.length === 0 ? [] : [mine(changed)]), sharing, ...writes] };
  }

  /**
   * After a split: others may have come to the person's digest while the id meant somebody else, and were compared with that one.
   * `partedFrom`: the one of whom two members of staff have just said that it is another person.
   */
  async compareAgain(personId: string, partedFrom: string, correlationId: string): Promise<void> {
    const own = personStream(personId);
    const person = fold(domainEvents<PersonEvent>(await this.log.readStreams([own]), own));
    if (!person?.attributesDigest) return;
    const shared = digestStream(person.attributesDigest);
    const known = personsWith(domainEvents<DigestShared>(await this.log.readStreams([shared]), shared));
    const others = known.filter((id) => id !== partedFrom && id !== personId);
    if (person.erasureId === null) return this.hold(personId, others, correlationId);
    // Nothing is granted to an erased id any more, and it may have been before: the others wait.
    const living = new Set([...(await this.survivors.of(others)).values()].map((other) => other.personId));
    living.delete(partedFrom);
    for (const other of living) await this.hold(other, [personId], correlationId);
  }

  /** Grants to a person wait until staff have looked at them and each of those known with the digest. */
  private async hold(personId: string, known: readonly string[], correlationId: string): Promise<void> {
    const own = personStream(personId);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const streams = await this.log.readStreams([own]);
      const person = fold(domainEvents<PersonEvent>(streams, own));
      if (!person) return;
      const { held, writes } = await this.compare(person, known, correlationId);
      if (held.length === 0) return;
      const events = held.map((event) => eventBy(event, this.by(correlationId)));
      const write = { stream: own, expectedRevision: revisionOf(streams, own), events };
      if (await appendOne(this.log, { writes: [write, ...writes] })) return;
    }
    throw new Error('a person changed at every look');
  }

  private async compare(person: Person, known: readonly string[], correlationId: string) {
    const { alike, recorded } = await this.alike(person, known);
    const { reviews, held } = decideLikeness(person, alike);
    const writes = reviews.map((event): StreamWrite => {
      const stream = reviewStream(event.data.reviewId);
      const events = [eventBy(event, this.by(correlationId))];
      return { stream, expectedRevision: revisionOf(recorded, stream), events };
    });
    return { held, writes };
  }

  private by(correlationId: string) {
    return { actor: serviceActor, nowMs: this.clock.now(), correlationId };
  }

  /** The others known with the digest, each person once, and what was said of the pair so far. */
  private async alike(person: Person, known: readonly string[]) {
    const others = new Set([...(await this.survivors.of(known)).values()].map(({ personId }) => personId));
    // A digest that comes with a card of the merged person is no news.
    others.delete((await this.survivors.one(person.personId)).personId);
    const pairs = [...others].map((otherPersonId) => {
      return { otherPersonId, reviewId: idFromScope(pairScope([otherPersonId, person.personId])) };
    });
    const recorded = await this.log.readStreams(pairs.map(({ reviewId }) => reviewStream(reviewId)));
    const alike = pairs.map((pair): Alike => {
      return { ...pair, review: foldReview(domainEvents<ReviewEvent>(recorded, reviewStream(pair.reviewId))) };
    });
    return { alike, recorded };
  }
}
