import type { EventLog } from '@tsunagu/event-store';
import { appendOne, expectedRevision, toNewEvent } from '@tsunagu/event-store';
import { type Clock, idFromScope, isoTime, newId } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import { decideMove } from './domain/provider.js';
import type { Payee } from './files/zengin.js';
import { bankNames } from './outbound/bank-directory.js';
import { BankVault } from './outbound/bank-vault.js';
import { contractWithProvider, readProvider } from './workflows/provider-contracts.js';

export const simulatedProviderId = 'sim-pay';
const actor = 'service:platform';

/**
 * Registers the test profile's simulated provider for owner `demo` (unit 100, minimum 100, 1:1, an account that does not exist at a
 * bank that does), or updates its address after the port was changed. Run by the composition root before the service starts.
 */
export async function registerSimulatedProvider(
  parts: { log: EventLog; database: Pool; clock: Clock; keyDirectory: string },
  baseUrl: string,
): Promise<void> {
  const { log, clock } = parts;
  const { stream, recorded, provider } = await readProvider(log, simulatedProviderId);
  if (provider) {
    const events = decideMove(provider, baseUrl).map((event) =>
      toNewEvent<string, unknown>(event, {
        id: newId(clock.now()),
        effectiveAt: isoTime(clock.now()),
        correlationId: newId(clock.now()),
        causationId: null,
        actor,
        ownerId: null,
      }),
    );
    if (events.length > 0)
      await appendOne(log, { writes: [{ stream, expectedRevision: expectedRevision(recorded), events }] });
    return;
  }
  const names = bankNames('0001', '001');
  if (typeof names === 'string') throw new Error('the bank of the simulated provider is not listed');
  const payee: Payee = {
    bankCode: '0001',
    branchCode: '001',
    ...names,
    accountKind: 'ordinary',
    accountNumber: '1234567',
    payeeKana: 'ｼﾑﾍﾟｲ(ｶ',
  };
  const requestId = idFromScope('the simulated provider of the test profile');
  const vault = await BankVault.open(parts.database, parts.keyDirectory);
  const done = await contractWithProvider(
    { log, clock, vault },
    {
      providerId: simulatedProviderId,
      ownerId: 'demo',
      terms: { name: 'Sim Pay', baseUrl, unitPoints: 100, minimumPoints: 100 },
      rate: { rateNumerator: 1, rateDenominator: 1 },
      payee,
      actor,
      correlationId: requestId,
      requestId,
    },
  );
  if (!done.ok) throw new Error(`the simulated provider was not registered: ${done.refusal.code}`);
}
