import type { DataOf } from '@tsunagu/contracts';
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
  | { readonly type: 'SubjectAdded'; readonly data: PersonSubject & { readonly personId: string } }
  | { readonly type: 'AttributesVerified'; readonly data: AttributesVerified }
  /** Grants to the person wait until a review is decided. */
  | { readonly type: 'GrantsHeld'; readonly data: { readonly personId: string; readonly reviewId: string } }
  | { readonly type: 'PersonReviewed'; readonly data: DataOf<'PersonReviewed'> }
  | { readonly type: 'PersonsMerged'; readonly data: DataOf<'PersonsMerged'> }
  | { readonly type: 'PersonSplit'; readonly data: DataOf<'PersonSplit'> }
  /** From then on nothing is known of the person, for good. keyHash: SHA-256 of the key that goes, which proves which one it was. */
  | {
      readonly type: 'PersonErased';
      readonly data: { readonly personId: string; readonly erasureId: string; readonly keyHash: string };
    };

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

export interface Person {
  readonly personId: string;
  /** In programme `default`. */
  readonly myKeyIdRef: string | null;
  /** When the attributes now held were read. */
  readonly attributesReadAt: string | null;
  readonly attributesDigest: string | null;
  readonly cards: number;
  readonly subjects: readonly PersonSubject[];
  /** Open reviews for which grants wait. */
  readonly heldBy: readonly string[];
  /** The person that this id means since a merge. */
  readonly mergedInto: { readonly personId: string; readonly mergeId: string } | null;
  /** Ids that mean this person since a merge, and which reading of attributes was the newest then. */
  readonly absorbed: readonly { readonly personId: string; readonly attributesReadAt: string | null }[];
  /** By which the data of this id were erased: it is nobody's any more, and never becomes somebody's again. */
  readonly erasureId: string | null;
}

export function personStream(personId: string): string {
  return `person-${personId}`;
}

export const initialState: Person | undefined = undefined;

export function evolve(person: Person | undefined, event: PersonEvent): Person | undefined {
  if (event.type === 'PersonRegistered') {
    const nothingKnown = { myKeyIdRef: null, attributesReadAt: null, attributesDigest: null } as const;
    return {
      personId: event.data.personId,
      ...nothingKnown,
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
    case 'AttributesVerified':
      return { ...person, attributesReadAt: event.data.readAt, attributesDigest: event.data.digest };
    case 'GrantsHeld':
      return { ...person, heldBy: [...person.heldBy, event.data.reviewId] };
    case 'PersonReviewed':
      return { ...person, heldBy: person.heldBy.filter((reviewId) => reviewId !== event.data.reviewId) };
    case 'PersonsMerged': {
      const { keptPersonId, mergedPersonId, mergeId } = event.data;
      if (person.personId !== keptPersonId) return { ...person, mergedInto: { personId: keptPersonId, mergeId } };
      const { attributesReadAt } = person;
      return { ...person, absorbed: [...person.absorbed, { personId: mergedPersonId, attributesReadAt }] };
    }
    case 'PersonSplit': {
      const { keptPersonId, mergedPersonId } = event.data;
      if (person.personId !== keptPersonId) return { ...person, mergedInto: null };
      const parted = person.absorbed.find(({ personId }) => personId === mergedPersonId);
      const absorbed = person.absorbed.filter((each) => each !== parted);
      // What was read since the merge may be the other one's: nothing is known until it is read again.
      if (!parted || parted.attributesReadAt === person.attributesReadAt) return { ...person, absorbed };
      return { ...person, absorbed, attributesReadAt: null, attributesDigest: null };
    }
    case 'PersonErased':
      return { ...person, erasureId: event.data.erasureId };
  }
}

export function fold(events: readonly PersonEvent[]): Person | undefined {
  return events.reduce<Person | undefined>(evolve, initialState);
}

export type Reading = Omit<AttributesVerified, 'personId'>;

/** The attributes of a reading count from then on; a reading that is not newer than the one held changes nothing. */
export function decideAttributes(person: Person, reading: Reading): readonly PersonEvent[] {
  if (person.attributesReadAt !== null && reading.readAt <= person.attributesReadAt) return [];
  const { personId } = person;
  return [{ type: 'AttributesVerified', data: { personId, ...reading } }];
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
