import { ok, type Result, refuse } from '@tsunagu/kernel';
import type { Person, PersonEvent } from './person.js';

/** Why a person's data are erased: a closed list, so that no text about a person gets into the log. */
export const erasurePatterns = ['person_asked', 'purpose_ended', 'kept_unlawfully'] as const;
export type ErasurePattern = (typeof erasurePatterns)[number];

export const erasureStates = ['proposed', 'approved', 'done'] as const;

/** Stream `erasure-<erasureId>`: proposed by one of the staff, approved by another, done when the keys are destroyed. */
export type ErasureEvent =
  | { readonly type: 'ErasureProposed'; readonly data: ErasureProposed }
  | { readonly type: 'ErasureApproved'; readonly data: { readonly erasureId: string; readonly approvedBy: string } }
  | { readonly type: 'ErasureCompleted'; readonly data: { readonly erasureId: string } };

export interface ErasureProposed {
  readonly erasureId: string;
  /** Every id that means the person, their own first: what is approved is the erasure of just these. */
  readonly personIds: readonly string[];
  readonly reasonPattern: ErasurePattern;
  /** Number of the case in the staff's own files. */
  readonly evidence: string | null;
  readonly proposedBy: string;
}

export interface Erasure extends ErasureProposed {
  readonly state: (typeof erasureStates)[number];
  readonly approvedBy: string | null;
}

export function erasureStream(erasureId: string): string {
  return `erasure-${erasureId}`;
}

export function evolveErasure(erasure: Erasure | undefined, event: ErasureEvent): Erasure {
  if (event.type === 'ErasureProposed') return { ...event.data, state: 'proposed', approvedBy: null };
  if (!erasure) throw new Error(`${event.type} before ErasureProposed`);
  if (event.type === 'ErasureCompleted') return { ...erasure, state: 'done' };
  return { ...erasure, state: 'approved', approvedBy: event.data.approvedBy };
}

export function foldErasure(events: readonly ErasureEvent[]): Erasure | undefined {
  return events.reduce<Erasure | undefined>(evolveErasure, undefined);
}

/** Another person than the proposer approves. Repeated by the same person it changes nothing: undefined. */
export function approveErasure(
  { erasureId, state, proposedBy, approvedBy }: Erasure,
  by: string,
): Result<ErasureEvent | undefined, 'identity.erased' | 'identity.second_person_required'> {
  if (state !== 'proposed') return approvedBy === by ? ok(undefined) : refuse('identity.erased');
  if (proposedBy === by) return refuse('identity.second_person_required');
  return ok({ type: 'ErasureApproved', data: { erasureId, approvedBy: by } });
}

/**
 * Whether the ids still mean one person, and all of that person: a merge or a split since the proposal makes it another erasure than
 * the one that two people agreed on.
 */
export function checkErasure(
  personIds: readonly string[],
  persons: ReadonlyMap<string, Person>,
): Result<true, 'identity.erased' | 'identity.erasure_outdated'> {
  const own = persons.get(personIds[0] ?? '');
  if (own?.erasureId) return refuse('identity.erased');
  if (!own || own.mergedInto) return refuse('identity.erasure_outdated');
  const meant = [own.personId];
  for (const id of meant) meant.push(...(persons.get(id)?.absorbed.map(({ personId }) => personId) ?? []));
  const isAll = meant.length === personIds.length && meant.every((id) => personIds.includes(id));
  return isAll ? ok(true) : refuse('identity.erasure_outdated');
}

/** What an approved erasure writes on the stream of each id; an id that was erased before it was merged has it already. */
export function eventsOfErasure(
  erasureId: string,
  persons: Iterable<Person>,
  keyHashes: ReadonlyMap<string, string>,
): readonly Extract<PersonEvent, { type: 'PersonErased' }>[] {
  return [...persons].flatMap(({ personId, erasureId: before }) => {
    if (before !== null) return [];
    const keyHash = keyHashes.get(personId);
    if (keyHash === undefined) throw new Error('a person without a vault key');
    return [{ type: 'PersonErased' as const, data: { personId, erasureId, keyHash } }];
  });
}
