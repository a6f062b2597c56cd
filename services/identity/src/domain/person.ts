import type { DataOf } from '@tsunagu/contracts';
import {
  type Consent,
  type ConsentEvent,
  type Consenting,
  type ConsentWay,
  evolveConsents,
  isInForce,
  isWithdrawnReading,
} from './consent.js';
import { defaultProgramme, type PersonMyKeyIdEvent } from './my-key-id.js';
import type { Review, ReviewEvent } from './review.js';

/** Stream `person-<personId>`. No attribute stands in it: only which were read, when, and keyed hashes. */
export type PersonEvent =
  | { readonly type: 'PersonRegistered'; readonly data: DataOf<'PersonRegistered'> }
  | {
      readonly type: 'CertificateSuperseded';
      readonly data: {
        readonly personId: string;
        /** The certificate that took over, and those that link data ties to it, by keyed hash. */
        readonly certificateRef: string;
        readonly predecessorRefs: readonly string[];
      };
    }
  | PersonMyKeyIdEvent
  | ConsentEvent
  | { readonly type: 'SubjectAdded'; readonly data: PersonSubject & { readonly personId: string } }
  | { readonly type: 'AttributesVerified'; readonly data: AttributesVerified }
  /** Grants to the person wait until a review is decided. */
  | { readonly type: 'GrantsHeld'; readonly data: { readonly personId: string; readonly reviewId: string } }
  | { readonly type: 'PersonReviewed'; readonly data: DataOf<'PersonReviewed'> }
  | { readonly type: 'PersonsMerged'; readonly data: DataOf<'PersonsMerged'> }
  | { readonly type: 'PersonSplit'; readonly data: DataOf<'PersonSplit'> }
  /** From then on nothing is known of the person, for good. keyHash: SHA-256 of the key that goes, which proves which one it was. */
  | { readonly type: 'PersonErased'; readonly data: DataOf<'PersonErased'> };

export interface AttributesVerified {
  readonly personId: string;
  readonly kind: AttributeSource;
  readonly attributes: readonly AttributeName[];
  readonly readAt: string;
  /** Keyed hash of name, birth date and sex: the same for the same person's next card. */
  readonly digest: string;
  /** Keyed hashes of parts, by which likely doubles are found; absent where a part is unknown, and in events of earlier releases. */
  readonly likeness?: readonly string[];
}

export type AttributeName = 'name' | 'birthDate' | 'sex' | 'address';
export type AttributeSource = 'signatureCertificate' | 'nationalLogin';

/** A subject of an OpenID issuer, by keyed hash of both. */
export interface PersonSubject {
  readonly subjectRef: string;
  readonly issuer: string;
}

export interface Person extends Consenting {
  /** In programme `default`. */
  readonly myKeyIdRef: string | null;
  /** Of the newest reading, and when that was: a withdrawal leaves both, so that doubles are still found. */
  readonly attributesDigest: string | null;
  readonly digestReadAt: string | null;
  readonly cards: number;
  readonly subjects: readonly PersonSubject[];
  /** Open reviews for which grants wait. */
  readonly heldBy: readonly string[];
  /** The person that this id means since a merge. */
  readonly mergedInto: { readonly personId: string; readonly mergeId: string } | null;
  /** Ids that mean this person since a merge. */
  readonly absorbed: readonly Absorbed[];
  /** By which the data of this id were erased: it is nobody's any more, and never becomes somebody's again. */
  readonly erasureId: string | null;
}

export interface Absorbed {
  readonly personId: string;
  /** Which reading of attributes was the person's newest at the merge, and how many consents they had given. */
  readonly digestReadAt: string | null;
  readonly consents: number;
}

export function personStream(personId: string): string {
  return `person-${personId}`;
}

export const initialState: Person | undefined = undefined;

export function evolve(person: Person | undefined, event: PersonEvent): Person | undefined {
  if (event.type === 'PersonRegistered') {
    const nothingRead = { attributesReadAt: null, attributesDigest: null, digestReadAt: null } as const;
    return {
      personId: event.data.personId,
      myKeyIdRef: null,
      ...nothingRead,
      consents: [],
      attributesWithdrawnAt: null,
      cards: 1,
      subjects: [],
      heldBy: [],
      mergedInto: null,
      absorbed: [],
      erasureId: null,
    };
  }
  if (!person) throw new Error(`${event.type} before PersonRegistered`);
  switch (event.type) {
    case 'CertificateSuperseded':
      return { ...person, cards: person.cards + 1 };
    case 'MyKeyIdRegistered':
    case 'MyKeyIdChanged':
      return event.data.programmeId === defaultProgramme ? { ...person, myKeyIdRef: event.data.myKeyIdRef } : person;
    case 'MyKeyIdProvisionallyRegistered':
      return person;
    case 'SubjectAdded': {
      const { subjectRef, issuer } = event.data;
      return { ...person, subjects: [...person.subjects, { subjectRef, issuer }] };
    }
    case 'AttributesVerified': {
      const { readAt, digest } = event.data;
      const consents = consentsAt(person, event.data);
      return { ...person, attributesReadAt: readAt, attributesDigest: digest, digestReadAt: readAt, consents };
    }
    case 'ConsentGiven':
      return { ...person, consents: evolveConsents(person.consents, event) };
    case 'ConsentWithdrawn': {
      const attributesWithdrawnAt = event.data.withdrawnAt;
      const consents = evolveConsents(person.consents, event);
      return { ...person, consents, attributesReadAt: null, attributesWithdrawnAt };
    }
    case 'GrantsHeld':
      return { ...person, heldBy: [...person.heldBy, event.data.reviewId] };
    case 'PersonReviewed':
      return { ...person, heldBy: person.heldBy.filter((reviewId) => reviewId !== event.data.reviewId) };
    case 'PersonsMerged': {
      const { keptPersonId, mergedPersonId, mergeId } = event.data;
      if (person.personId !== keptPersonId) return { ...person, mergedInto: { personId: keptPersonId, mergeId } };
      const { digestReadAt, consents } = person;
      const absorbed = { personId: mergedPersonId, digestReadAt, consents: consents.length };
      return { ...person, absorbed: [...person.absorbed, absorbed] };
    }
    case 'PersonSplit': {
      const { keptPersonId, mergedPersonId } = event.data;
      if (person.personId !== keptPersonId) return { ...person, mergedInto: null };
      const parted = person.absorbed.find(({ personId }) => personId === mergedPersonId);
      const absorbed = person.absorbed.filter((each) => each !== parted);
      // What was read since the merge may be the other one's, and so may a consent: nothing is known until it is read again.
      if (!parted || parted.digestReadAt === person.digestReadAt) return { ...person, absorbed };
      const consents = person.consents.slice(0, parted.consents);
      return { ...person, absorbed, consents, attributesReadAt: null, attributesDigest: null, digestReadAt: null };
    }
    case 'PersonErased':
      return { ...person, erasureId: event.data.erasureId };
  }
}

function wayOf(kind: AttributeSource): ConsentWay {
  return kind === 'nationalLogin' ? 'login' : 'card';
}

/** Earlier releases recorded readings without the consent that each was. */
function consentsAt({ consents, personId }: Person, { kind, readAt }: AttributesVerified): readonly Consent[] {
  if (isInForce({ consents })) return consents;
  const data = { personId, purpose: 'attributes', how: wayOf(kind), givenAt: readAt } as const;
  return evolveConsents(consents, { type: 'ConsentGiven', data });
}

export function fold(events: readonly PersonEvent[]): Person | undefined {
  return events.reduce<Person | undefined>(evolve, initialState);
}

export type Reading = Omit<AttributesVerified, 'personId'>;

/**
 * The attributes of a reading count from then on, and letting them be read is the person's consent to that. A reading that is not
 * newer than the one held, or than a withdrawal, changes nothing.
 */
export function decideAttributes(person: Person, reading: Reading): readonly PersonEvent[] {
  const { personId, attributesReadAt } = person;
  const { kind, readAt } = reading;
  if (isWithdrawnReading(person, readAt) || (attributesReadAt !== null && readAt <= attributesReadAt)) return [];
  const verified: PersonEvent = { type: 'AttributesVerified', data: { personId, ...reading } };
  if (isInForce(person)) return [verified];
  const consent = { personId, purpose: 'attributes', how: wayOf(kind), givenAt: readAt } as const;
  return [{ type: 'ConsentGiven', data: consent }, verified];
}

/** The review between a person and another one known with the same digest; `review` is undefined while there is none. */
export interface Alike {
  readonly reviewId: string;
  readonly otherPersonId: string;
  readonly review: Review | undefined;
}

/**
 * The digest rule (DOMAIN §3): who comes to a digest that others are known with waits with grants until two members of staff
 * have looked. What they decided on a pair once is not asked again.
 */
export function decideLikeness(
  person: Person,
  alike: readonly Alike[],
): { readonly reviews: readonly ReviewEvent[]; readonly held: readonly PersonEvent[] } {
  const { personId, heldBy } = person;
  const waiting = alike.filter(({ review, reviewId }) => review?.state !== 'decided' && !heldBy.includes(reviewId));
  return {
    // Where there is a review already it is written to all the same: it must not be decided at this very moment.
    reviews: waiting.map(({ reviewId, otherPersonId, review }): ReviewEvent => {
      if (review) return { type: 'ReviewRaised', data: { reviewId, kind: 'same_digest' } };
      const personIds = [otherPersonId, personId];
      return { type: 'ReviewOpened', data: { reviewId, kind: 'same_digest', personIds, certificateRef: null } };
    }),
    held: waiting.map(({ reviewId }) => ({ type: 'GrantsHeld', data: { personId, reviewId } })),
  };
}
