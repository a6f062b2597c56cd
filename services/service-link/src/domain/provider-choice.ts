import { ok, type Result, refuse } from '@tsunagu/kernel';

/** The providers a person has chosen in a programme. Stream `providerChoice-<personId>+<programmeId>`. */

export interface ProviderChosen {
  readonly type: 'ProviderChosen';
  readonly data: { readonly linkId: string; readonly providerId: string };
}

export type ProviderChoiceEvent =
  | ProviderChosen
  | { readonly type: 'ProviderChoiceFreed'; readonly data: { readonly linkId: string } };

export interface ProviderChoice {
  readonly chosen: readonly ProviderChosen['data'][];
}

export const initialState: ProviderChoice = { chosen: [] };

export function evolve(state: ProviderChoice, event: ProviderChoiceEvent): ProviderChoice {
  if (event.type === 'ProviderChosen') return { chosen: [...state.chosen, event.data] };
  return { chosen: state.chosen.filter((each) => each.linkId !== event.data.linkId) };
}

export function fold(events: readonly ProviderChoiceEvent[]): ProviderChoice {
  return events.reduce(evolve, initialState);
}

export function decideChoose(
  state: ProviderChoice,
  choice: ProviderChosen['data'],
  providersPerPerson: 'one' | 'many',
): Result<readonly ProviderChosen[], 'service_link.provider_already_chosen'> {
  const other = state.chosen.find((each) => each.linkId !== choice.linkId);
  if (providersPerPerson === 'one' && other)
    return refuse('service_link.provider_already_chosen', { extensions: { linkId: other.linkId } });
  return ok(
    state.chosen.some((each) => each.linkId === choice.linkId) ? [] : [{ type: 'ProviderChosen', data: choice }],
  );
}

export function decideFree(state: ProviderChoice, linkId: string): readonly ProviderChoiceEvent[] {
  const isChosen = state.chosen.some((each) => each.linkId === linkId);
  return isChosen ? [{ type: 'ProviderChoiceFreed', data: { linkId } }] : [];
}

export function providerChoiceStream(personId: string, programmeId: string): string {
  return `providerChoice-${personId}+${programmeId}`;
}
