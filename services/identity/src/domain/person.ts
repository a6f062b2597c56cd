import type { DataOf } from '@tsunagu/contracts';

/** Stream `person-<personId>`. No attribute stands in it: only which were read, when, and keyed hashes. */
export type PersonEvent =
  | { readonly type: 'PersonRegistered'; readonly data: DataOf<'PersonRegistered'> }
  | {
      readonly type: 'CertificateSuperseded';
      readonly data: {
        readonly personId: string;
        /** The certificate that took over, and those before it, by keyed hash. */
        readonly certificateRef: string;
        readonly predecessorRefs: readonly string[];
      };
    }
  | {
      readonly type: 'MyKeyIdRegistered';
      readonly data: { readonly personId: string; readonly programmeId: string; readonly myKeyIdRef: string };
    }
  | {
      readonly type: 'SubjectAdded';
      readonly data: PersonSubject & { readonly personId: string };
    }
  | {
      readonly type: 'AttributesVerified';
      readonly data: {
        readonly personId: string;
        readonly kind: AttributeSource;
        readonly attributes: readonly AttributeName[];
        readonly readAt: string;
        /** Keyed hash of name, birth date and sex: the same for the same person's next card. */
        readonly digest: string;
      };
    };

export type AttributeName = 'name' | 'birthDate' | 'sex' | 'address';
export type AttributeSource = 'signatureCertificate' | 'nationalLogin';

/** A subject of an OpenID issuer, by keyed hash of both. */
export interface PersonSubject {
  readonly subjectRef: string;
  readonly issuer: string;
}

export interface Person {
  readonly personId: string;
  readonly myKeyIdRef: string | null;
  /** When the attributes now held were read. */
  readonly attributesReadAt: string | null;
  readonly attributesDigest: string | null;
  readonly cards: number;
  readonly subjects: readonly PersonSubject[];
}

export function personStream(personId: string): string {
  return `person-${personId}`;
}

export const initialState: Person | undefined = undefined;

export function evolve(person: Person | undefined, event: PersonEvent): Person | undefined {
  if (event.type === 'PersonRegistered') {
    const { personId } = event.data;
    return { personId, myKeyIdRef: null, attributesReadAt: null, attributesDigest: null, cards: 1, subjects: [] };
  }
  if (!person) throw new Error(`${event.type} before PersonRegistered`);
  switch (event.type) {
    case 'CertificateSuperseded':
      return { ...person, cards: person.cards + 1 };
    case 'MyKeyIdRegistered':
      return { ...person, myKeyIdRef: event.data.myKeyIdRef };
    case 'SubjectAdded': {
      const { subjectRef, issuer } = event.data;
      return { ...person, subjects: [...person.subjects, { subjectRef, issuer }] };
    }
    case 'AttributesVerified':
      return { ...person, attributesReadAt: event.data.readAt, attributesDigest: event.data.digest };
  }
}

export function fold(events: readonly PersonEvent[]): Person | undefined {
  return events.reduce<Person | undefined>(evolve, initialState);
}

/** The attributes of a reading count from then on; a reading that is not newer than the one held changes nothing. */
export function decideAttributes(
  person: Person,
  reading: { kind?: AttributeSource; readAt: string; digest: string; attributes: readonly AttributeName[] },
): readonly PersonEvent[] {
  if (person.attributesReadAt !== null && reading.readAt <= person.attributesReadAt) return [];
  const { personId } = person;
  return [{ type: 'AttributesVerified', data: { personId, kind: 'signatureCertificate', ...reading } }];
}
