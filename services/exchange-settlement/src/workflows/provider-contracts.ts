import { isDeepStrictEqual } from 'node:util';
import { appendOne, domainEvents, type EventLog, expectedRevision, toNewEvent } from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime, type Result } from '@tsunagu/kernel';
import {
  contractOf,
  decideContract,
  fold,
  type Provider,
  type ProviderEvent,
  type ProviderTerms,
  providerStream,
  type Rate,
} from '../domain/provider.js';
import type { Payee } from '../files/zengin.js';
import type { BankVault } from '../outbound/bank-vault.js';

/** Lost races for one provider's stream before it counts as an outage. */
const roundsMax = 10;

export interface ContractRequest {
  readonly providerId: string;
  readonly ownerId: string;
  readonly terms: ProviderTerms;
  readonly rate: Rate;
  readonly payee: Payee;
  readonly actor: string;
  readonly correlationId: string;
  /** The same for every repetition of one call: ids follow from it. */
  readonly requestId: string;
}

export interface ContractParts {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly vault: BankVault;
}

export async function readProvider(log: EventLog, providerId: string) {
  const stream = providerStream(providerId);
  const recorded = domainEvents<ProviderEvent>((await log.readStreams([stream])).get(stream));
  return { stream, recorded, provider: fold(recorded) };
}

/** Registers a provider or an owner's contract with it; the account goes to the vault first, then its reference to the log. */
export async function contractWithProvider(
  { log, clock, vault }: ContractParts,
  request: ContractRequest,
): Promise<Result<Provider>> {
  const { providerId, ownerId, terms, rate, payee, actor } = request;
  for (let round = 0; round < roundsMax; round += 1) {
    const { stream, recorded, provider } = await readProvider(log, providerId);
    const account = contractOf(provider, ownerId)?.bankAccount;
    const known = account && (await vault.read<Payee>(account.reference, ownerId));
    const reference = derivedId(`account:${ownerId}`, request.requestId);
    const changed = !isDeepStrictEqual(known, payee);
    const order = { providerId, ownerId, terms, rate, changedBy: actor, ...(changed && { newBankAccount: reference }) };
    const decided = decideContract(provider, order);
    if (!decided.ok) return decided;
    if (decided.value.length > 0) {
      if (changed) await vault.keep(reference, ownerId, payee);
      const events = decided.value.map((event, index) =>
        toNewEvent<string, unknown>(event, {
          id: derivedId(`${event.type}:${index}`, request.requestId),
          effectiveAt: isoTime(clock.now()),
          correlationId: request.correlationId,
          causationId: null,
          actor,
          ownerId,
        }),
      );
      const write = { stream, expectedRevision: expectedRevision(recorded), events };
      if (!(await appendOne(log, { writes: [write] }))) continue;
    }
    const after = (await readProvider(log, providerId)).provider;
    if (after) return { ok: true, value: after };
  }
  throw new Error(`a provider was still contested after ${roundsMax} rounds`);
}
