import { ok, type Result, refuse } from '@tsunagu/kernel';

/** A provider that points can be exchanged with, and each owner's contract with it. Stream `provider-<providerId>`. */

/** The same for every owner. */
export interface ProviderTerms {
  readonly name: string;
  readonly baseUrl: string;
  /** Points go in multiples of this. */
  readonly unitPoints: number;
  readonly minimumPoints: number;
}

/** providerPoints = floor(points × numerator ÷ denominator). */
export interface Rate {
  readonly rateNumerator: number;
  readonly rateDenominator: number;
}

/** Where an owner pays the provider: in the vault; the log knows the reference and the version only. */
export interface BankAccountReference {
  readonly reference: string;
  readonly version: number;
  /** `staff:<subject>` or a service: the actor who changed it last. */
  readonly changedBy: string;
}

export interface Contract extends Rate {
  readonly ownerId: string;
  readonly bankAccount?: BankAccountReference;
}

export interface Provider extends ProviderTerms {
  readonly providerId: string;
  readonly contracts: readonly Contract[];
}

export type ProviderEvent =
  | { readonly type: 'ProviderRegistered'; readonly data: ProviderTerms & { readonly providerId: string } }
  | {
      readonly type: 'ProviderTermsChanged';
      /** Without an owner: the terms of the provider itself; with one: that owner's rate. */
      readonly data:
        | (ProviderTerms & { readonly providerId: string })
        | (Rate & { readonly providerId: string; readonly ownerId: string });
    }
  | {
      readonly type: 'ProviderBankAccountChanged';
      readonly data: BankAccountReference & { readonly providerId: string; readonly ownerId: string };
    };

export interface ContractOrder {
  readonly providerId: string;
  readonly ownerId: string;
  readonly terms: ProviderTerms;
  readonly rate: Rate;
  /** The sealed account's reference where it differs from the one in force. */
  readonly newBankAccount?: string;
  readonly changedBy: string;
}

export const initialState: Provider | undefined = undefined;

export function evolve(state: Provider | undefined, event: ProviderEvent): Provider {
  if (event.type === 'ProviderRegistered') return { ...event.data, contracts: [] };
  if (!state) throw new Error(`${event.type} stands before ProviderRegistered`);
  if (event.type === 'ProviderBankAccountChanged') {
    const { ownerId, reference, version, changedBy } = event.data;
    return withContract(state, ownerId, { bankAccount: { reference, version, changedBy } });
  }
  if (!('ownerId' in event.data)) return { ...state, ...event.data };
  const { ownerId, rateNumerator, rateDenominator } = event.data;
  return withContract(state, ownerId, { rateNumerator, rateDenominator });
}

export function fold(events: readonly ProviderEvent[]): Provider | undefined {
  return events.reduce<Provider | undefined>(evolve, initialState);
}

/** Registers a provider with its first owner's contract, adds another owner's, or changes an owner's own. */
export function decideContract(
  state: Provider | undefined,
  order: ContractOrder,
): Result<readonly ProviderEvent[], 'exchange.provider_differs'> {
  const { providerId, ownerId, terms, rate } = order;
  const events: ProviderEvent[] = [];
  if (!state) events.push({ type: 'ProviderRegistered', data: { providerId, ...terms } });
  else {
    const differing = fieldsThatDiffer(state, terms);
    if (differing.length > 0)
      return refuse('exchange.provider_differs', {
        detail: `The provider is registered with another ${differing.join(', ')}.`,
      });
  }
  const contract = contractOf(state, ownerId);
  if (!contract || contract.rateNumerator !== rate.rateNumerator || contract.rateDenominator !== rate.rateDenominator) {
    events.push({ type: 'ProviderTermsChanged', data: { providerId, ownerId, ...rate } });
  }
  if (order.newBankAccount !== undefined) {
    const version = (contract?.bankAccount?.version ?? 0) + 1;
    const data = { providerId, ownerId, reference: order.newBankAccount, version, changedBy: order.changedBy };
    events.push({ type: 'ProviderBankAccountChanged', data });
  }
  return ok(events);
}

/** The address of a provider that moved with its terms unchanged (the simulated one, on another port). */
export function decideMove(state: Provider, baseUrl: string): readonly ProviderEvent[] {
  if (state.baseUrl === baseUrl) return [];
  const { providerId, name, unitPoints, minimumPoints } = state;
  return [{ type: 'ProviderTermsChanged', data: { providerId, name, baseUrl, unitPoints, minimumPoints } }];
}

/** Undefined where the owner has no contract with the provider. */
export function contractOf(state: Provider | undefined, ownerId: string): Contract | undefined {
  return state?.contracts.find((contract) => contract.ownerId === ownerId);
}

/** What `points` are at the provider. Multiplied as big integers: a rate must not lose a point to rounding. */
export function providerPointsOf(points: number, { rateNumerator, rateDenominator }: Rate): number {
  const result = (BigInt(points) * BigInt(rateNumerator)) / BigInt(rateDenominator);
  if (result > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('more provider points than a safe integer');
  return Number(result);
}

export function providerStream(providerId: string): string {
  return `provider-${providerId}`;
}

function withContract(state: Provider, ownerId: string, change: Partial<Contract>): Provider {
  const before = contractOf(state, ownerId) ?? { ownerId, rateNumerator: 1, rateDenominator: 1 };
  const others = state.contracts.filter((contract) => contract.ownerId !== ownerId);
  return { ...state, contracts: [...others, { ...before, ...change }] };
}

function fieldsThatDiffer(state: Provider, terms: ProviderTerms): readonly string[] {
  return (['name', 'baseUrl', 'unitPoints', 'minimumPoints'] as const).filter((field) => state[field] !== terms[field]);
}
