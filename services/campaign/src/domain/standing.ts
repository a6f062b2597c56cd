import { type ConsentEvent, consentStream, withdrawnUntil } from './consent.js';

/** Stream `standing-<personId>`: what identity says of a person as such, as it published it or answered. */
export type StandingEvent =
  /** `change` counts what identity found, so that what is heard late or again never undoes what came after it. */
  | {
      readonly type: 'RevocationNoted';
      readonly data: { readonly personId: string; readonly change: number; readonly revoked: boolean };
    }
  | { readonly type: 'ErasureNoted'; readonly data: { readonly personId: string } };

export type NoteEvent = ConsentEvent | StandingEvent;

/** What is known of a person that ends claims which wait. */
export interface Noted {
  /** Up to when what was read of them is not used any more; null where nothing was withdrawn. */
  readonly withdrawnAt: string | null;
  /** Nobody can prove to be this person now: no certificate is good, and one lost its trust. */
  readonly revoked: boolean;
  /** Nobody ever will. */
  readonly erased: boolean;
}

export const nothingNoted: Noted = { withdrawnAt: null, revoked: false, erased: false };

export function standingStream(personId: string): string {
  return `standing-${personId}`;
}

/** The streams that hold the notes on a person. */
export function noteStreams(personId: string): readonly string[] {
  return [consentStream(personId), standingStream(personId)];
}

interface Revocation {
  readonly change: number;
  readonly revoked: boolean;
}

export function notedOf(events: readonly NoteEvent[]): Noted {
  const withdrawn = events.filter((event) => event.type === 'WithdrawalNoted');
  const standing = events.filter((event) => event.type !== 'WithdrawalNoted');
  const { revoked } = revocationOf(standing);
  return {
    withdrawnAt: withdrawnUntil(withdrawn),
    revoked,
    erased: standing.some(({ type }) => type === 'ErasureNoted'),
  };
}

/** A note as replay reads it from the log. */
export type RecordedNote = NoteEvent & { readonly stream: string; readonly revision: number };

/** The same as a decision read it: of each stream up to the revision in its `reads`. */
export function notedAsRead(
  events: readonly RecordedNote[],
  reads: Readonly<Record<string, number>> | undefined,
): Noted {
  return notedOf(events.filter(({ stream, revision }) => revision <= (reads?.[stream] ?? -1)));
}

/** The newest of identity's findings; change 0 while there is none. */
export function revocationOf(events: readonly StandingEvent[]): Revocation {
  return events.reduce<Revocation>(
    (newest, event) => (event.type === 'RevocationNoted' && event.data.change > newest.change ? event.data : newest),
    { change: 0, revoked: false },
  );
}

/** What identity answers of a person as such; an identity of an earlier release says nothing of it. */
export interface ToldStanding {
  readonly revocation?: Revocation;
  readonly erased?: boolean;
}

/** What is new in an answer, or in a message: nothing where it was noted before, or something later was. */
export function decideNotes(
  personId: string,
  events: readonly StandingEvent[],
  { revocation, erased }: ToldStanding,
): readonly StandingEvent[] {
  const notes: StandingEvent[] = [];
  if (revocation && revocation.change > revocationOf(events).change) {
    notes.push({ type: 'RevocationNoted', data: { personId, ...revocation } });
  }
  if (erased && !events.some(({ type }) => type === 'ErasureNoted')) {
    notes.push({ type: 'ErasureNoted', data: { personId } });
  }
  return notes;
}
