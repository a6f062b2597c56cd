import type { DataOf } from '@tsunagu/contracts';
import { isoTime, ok, type Result, refuse } from '@tsunagu/kernel';

/** `attributes`: name, birth date, sex and address as read from the card or told by the login, for the rules of campaigns. */
export const consentPurposes = ['attributes'] as const;
export type ConsentPurpose = (typeof consentPurposes)[number];

/** The act by which it was given: letting the card be read, or the login tell. */
export type ConsentWay = 'card' | 'login';

/** On stream `person-<personId>`. */
export type ConsentEvent =
  | {
      readonly type: 'ConsentGiven';
      readonly data: {
        readonly personId: string;
        readonly purpose: ConsentPurpose;
        readonly how: ConsentWay;
        readonly givenAt: string;
      };
    }
  | { readonly type: 'ConsentWithdrawn'; readonly data: DataOf<'ConsentWithdrawn'> };

export interface Consent {
  readonly purpose: ConsentPurpose;
  readonly how: ConsentWay;
  readonly givenAt: string;
  readonly withdrawnAt: string | null;
}

/** What a person's stream says of it. */
export interface Consenting {
  readonly personId: string;
  /** In the order in which they were given; at most the last one is in force. */
  readonly consents: readonly Consent[];
  /** When the attributes now held were read; null while none are. */
  readonly attributesReadAt: string | null;
  /** Nothing read until then is used. */
  readonly attributesWithdrawnAt: string | null;
}

export function isInForce({ consents }: Pick<Consenting, 'consents'>): boolean {
  return consents.at(-1)?.withdrawnAt === null;
}

/** Whether all that a person consented to, under any of their ids, is withdrawn. */
export function hasWithdrawn(persons: readonly Pick<Consenting, 'consents'>[]): boolean {
  return persons.some(({ consents }) => consents.length > 0) && !persons.some(isInForce);
}

export function evolveConsents(consents: readonly Consent[], event: ConsentEvent): readonly Consent[] {
  if (event.type === 'ConsentGiven') {
    const { purpose, how, givenAt } = event.data;
    return [...consents, { purpose, how, givenAt, withdrawnAt: null }];
  }
  const { withdrawnAt } = event.data;
  return consents.map((each) => (each.withdrawnAt === null ? { ...each, withdrawnAt } : each));
}

/** Whether what is held of a person may be used: it was read under a consent that is in force. */
export function mayUse(person: Pick<Consenting, 'consents' | 'attributesWithdrawnAt'>, readAt: string): boolean {
  return isInForce(person) && !isWithdrawnReading(person, readAt);
}

/** One that was read before the person withdrew, and came to be recorded after that. */
export function isWithdrawnReading(person: Pick<Consenting, 'attributesWithdrawnAt'>, readAt: string): boolean {
  return person.attributesWithdrawnAt !== null && readAt <= person.attributesWithdrawnAt;
}

/**
 * The withdrawal for all ids that mean a person: of each one that has a consent in force. Its time is never before that of a reading
 * it ends, whatever the clocks of two machines say. Repeated it changes nothing.
 */
export function decideWithdrawal(
  persons: readonly Consenting[],
  purpose: ConsentPurpose,
  nowMs: number,
): Result<ReadonlyMap<string, ConsentEvent>, 'identity.consent_not_given'> {
  if (persons.every(({ consents }) => consents.length === 0)) return refuse('identity.consent_not_given');
  const times = [isoTime(nowMs), ...persons.flatMap(({ attributesReadAt }) => attributesReadAt ?? [])];
  const withdrawnAt = times.toSorted().at(-1) ?? isoTime(nowMs);
  return ok(
    new Map(
      persons.filter(isInForce).map(({ personId }) => {
        return [personId, { type: 'ConsentWithdrawn', data: { personId, purpose, withdrawnAt } }];
      }),
    ),
  );
}
