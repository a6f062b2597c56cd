import { ok, type Result, refuse } from '@tsunagu/kernel';

/**
 * One person per provider account. Stream `serviceAccount-<providerId>+<keyed hash>`, one for the account id as the person gave
 * it and one for the provider's own reference, so that two spellings of one account still meet.
 */

export interface ServiceAccountBound {
  readonly type: 'ServiceAccountBound';
  readonly data: { readonly linkId: string; readonly personId: string; readonly programmeId: string };
}

export type ServiceAccountEvent =
  | ServiceAccountBound
  | {
      readonly type: 'ServiceAccountUnbound';
      /** Kept: nobody else may link the account, though the link has ended. */
      readonly data: { readonly linkId: string; readonly keptForPerson: boolean };
    };

export interface ServiceAccount {
  /** Whose account it is; undefined while nobody's. */
  readonly personId?: string;
  readonly links: readonly { readonly linkId: string; readonly programmeId: string }[];
}

export const initialState: ServiceAccount = { links: [] };

export function evolve(state: ServiceAccount, event: ServiceAccountEvent): ServiceAccount {
  if (event.type === 'ServiceAccountUnbound') {
    const links = state.links.filter((link) => link.linkId !== event.data.linkId);
    return links.length === 0 && !event.data.keptForPerson ? initialState : { ...state, links };
  }
  const { linkId, programmeId, personId } = event.data;
  return { personId, links: [...state.links, { linkId, programmeId }] };
}

export function fold(events: readonly ServiceAccountEvent[]): ServiceAccount {
  return events.reduce(evolve, initialState);
}

/** The same person may link the account again in another programme; another person may not. */
export function decideBind(
  state: ServiceAccount,
  binding: ServiceAccountBound['data'],
): Result<readonly ServiceAccountBound[], 'service_link.account_taken' | 'service_link.provider_already_chosen'> {
  if (state.personId !== undefined && state.personId !== binding.personId) return refuse('service_link.account_taken');
  const own = state.links.find((link) => link.programmeId === binding.programmeId);
  if (own && own.linkId !== binding.linkId)
    return refuse('service_link.provider_already_chosen', {
      detail: 'This account is linked already.',
      extensions: { linkId: own.linkId },
    });
  return ok(own ? [] : [{ type: 'ServiceAccountBound', data: binding }]);
}

export function decideUnbind(
  state: ServiceAccount,
  linkId: string,
  keptForPerson: boolean,
): readonly ServiceAccountEvent[] {
  const isBound = state.links.some((link) => link.linkId === linkId);
  return isBound ? [{ type: 'ServiceAccountUnbound', data: { linkId, keptForPerson } }] : [];
}

/** Nobody's any more, where it was only kept for the person of a link that has ended. */
export function decideGiveUp(
  state: ServiceAccount,
  { linkId, personId }: Pick<ServiceAccountBound['data'], 'linkId' | 'personId'>,
): readonly ServiceAccountEvent[] {
  const isKept = state.links.length === 0 && state.personId === personId;
  return isKept ? [{ type: 'ServiceAccountUnbound', data: { linkId, keptForPerson: false } }] : [];
}

export function serviceAccountStream(providerId: string, key: string): string {
  return `serviceAccount-${providerId}+${key}`;
}
