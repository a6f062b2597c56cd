import { ok, type Result, refuse } from '@tsunagu/kernel';

/** Who may act for a child. Stream `guardianship-<childPersonId>`: staff record it, two of them (link-change.ts). */

export interface Guardianship {
  readonly childPersonId: string;
  readonly guardianPersonId: string;
}

export type GuardianshipEvent =
  | { readonly type: 'GuardianLinked'; readonly data: Guardianship }
  | { readonly type: 'GuardianUnlinked'; readonly data: Guardianship };

/** The guardians' personIds. */
export type Guardians = readonly string[];

export const initialState: Guardians = [];

export function evolve(state: Guardians, { type, data }: GuardianshipEvent): Guardians {
  const others = state.filter((person) => person !== data.guardianPersonId);
  return type === 'GuardianLinked' ? [...others, data.guardianPersonId] : others;
}

export function fold(events: readonly GuardianshipEvent[]): Guardians {
  return events.reduce(evolve, initialState);
}

/** Nothing where it is so already. */
export function decideGuardian(
  state: Guardians,
  act: 'link' | 'unlink',
  { childPersonId, guardianPersonId }: Guardianship,
): readonly GuardianshipEvent[] {
  if (state.includes(guardianPersonId) === (act === 'link')) return [];
  const type = act === 'link' ? 'GuardianLinked' : 'GuardianUnlinked';
  return [{ type, data: { childPersonId, guardianPersonId } }];
}

/** Under 15 the legal representative acts, from then on the person alone (DOMAIN §1). `isFifteen`: identity's answer on the age. */
export function decideActingFor(
  guardians: Guardians,
  guardianPersonId: string,
  isFifteen: 'yes' | 'no' | 'unknown',
): Result<undefined, 'service_link.not_guardian' | 'service_link.age_unknown' | 'service_link.of_age'> {
  if (!guardians.includes(guardianPersonId)) return refuse('service_link.not_guardian');
  if (isFifteen === 'unknown') return refuse('service_link.age_unknown');
  return isFifteen === 'no' ? ok(undefined) : refuse('service_link.of_age');
}

export function guardianshipStream(childPersonId: string): string {
  return `guardianship-${childPersonId}`;
}
