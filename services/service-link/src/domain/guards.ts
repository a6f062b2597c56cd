import type { Link } from './link.js';
import * as choice from './provider-choice.js';
import * as account from './service-account.js';

type GuardEvent = account.ServiceAccountEvent | choice.ProviderChoiceEvent;

/** The streams that hold a link's accounts, by id and by the provider's reference, replaced ones included. */
export function accountStreamsOf(link: Link): readonly string[] {
  const { providerId } = link.request;
  const keys = link.accounts.flatMap(({ accountKey, referenceKey }) => [accountKey, referenceKey]);
  return [...new Set(keys)].map((key) => account.serviceAccountStream(providerId, key));
}

export function choiceStreamOf(link: Link, personId = link.request.personId): string {
  return choice.providerChoiceStream(personId, link.request.programmeId);
}

/** Guards as they were read, and what a decision adds to them: each step of it sees what the steps before it did. */
export class GuardChanges {
  readonly #accounts: Map<string, account.ServiceAccount>;
  readonly #choices: Map<string, choice.ProviderChoice>;
  readonly #added = new Map<string, GuardEvent[]>();

  constructor(
    accounts: ReadonlyMap<string, account.ServiceAccount>,
    choices: ReadonlyMap<string, choice.ProviderChoice>,
  ) {
    this.#accounts = new Map(accounts);
    this.#choices = new Map(choices);
  }

  account(stream: string): account.ServiceAccount {
    return this.#accounts.get(stream) ?? account.initialState;
  }

  choice(stream: string): choice.ProviderChoice {
    return this.#choices.get(stream) ?? choice.initialState;
  }

  changeAccount(stream: string, events: readonly account.ServiceAccountEvent[]): void {
    this.#accounts.set(stream, events.reduce(account.evolve, this.account(stream)));
    this.#add(stream, events);
  }

  changeChoice(stream: string, events: readonly choice.ProviderChoiceEvent[]): void {
    this.#choices.set(stream, events.reduce(choice.evolve, this.choice(stream)));
    this.#add(stream, events);
  }

  /** By stream; only those with events. */
  get added(): ReadonlyMap<string, readonly GuardEvent[]> {
    return this.#added;
  }

  #add(stream: string, events: readonly GuardEvent[]): void {
    if (events.length > 0) this.#added.set(stream, [...(this.#added.get(stream) ?? []), ...events]);
  }
}

/** A link lets go of what it held. */
export function release(guards: GuardChanges, link: Link, keptForPerson: boolean): void {
  const { linkId } = link.request;
  for (const stream of accountStreamsOf(link)) {
    guards.changeAccount(stream, account.decideUnbind(guards.account(stream), linkId, keptForPerson));
  }
  const chosen = choiceStreamOf(link);
  guards.changeChoice(chosen, choice.decideFree(guards.choice(chosen), linkId));
}

/** A link that has ended gives up the accounts that are still kept for its person. */
export function giveUp(guards: GuardChanges, link: Link): void {
  for (const stream of accountStreamsOf(link)) {
    guards.changeAccount(stream, account.decideGiveUp(guards.account(stream), link.request));
  }
}
