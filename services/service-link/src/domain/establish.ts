import { ok, type Result } from '@tsunagu/kernel';
import type { LinkRequest } from './link.js';
import * as choice from './provider-choice.js';
import * as account from './service-account.js';

/** What the two guards hold: whose account it is, by id and by the provider's reference, and what the person has chosen. */
export interface Guards {
  readonly accounts: readonly account.ServiceAccount[];
  readonly choice: choice.ProviderChoice;
}

export interface Establishment {
  /** One list for each account guard, in order. */
  readonly accounts: readonly (readonly account.ServiceAccountBound[])[];
  readonly choice: readonly choice.ProviderChosen[];
}

/** Whether a link may stand, asked when it is requested and decided again, on the streams as they are then, when it is established. */
export function decideEstablish(
  guards: Guards,
  request: Pick<LinkRequest, 'linkId' | 'personId' | 'providerId' | 'programmeId' | 'providersPerPerson'>,
): Result<Establishment, 'service_link.account_taken' | 'service_link.provider_already_chosen'> {
  const { linkId, personId, providerId, programmeId } = request;
  const accounts: (readonly account.ServiceAccountBound[])[] = [];
  for (const guard of guards.accounts) {
    const bound = account.decideBind(guard, { linkId, personId, programmeId });
    if (!bound.ok) return bound;
    accounts.push(bound.value);
  }
  const chosen = choice.decideChoose(guards.choice, { linkId, providerId }, request.providersPerPerson);
  if (!chosen.ok) return chosen;
  return ok({ accounts, choice: chosen.value });
}
