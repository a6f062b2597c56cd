import { BankVault, foldSettlement, renderSettlement, type SettlementEvent } from '@tsunagu/exchange-settlement';
import type { Finding } from './finding.js';
import type { Closed } from './reading.js';
import type { Store } from './stores.js';

/** I8: the files of each closed settlement, made again from what its close recorded, are the bytes that were listed. */
export async function checkSettlements(
  { log, pool }: Store,
  keyDirectory: string,
  closed: readonly Closed[],
): Promise<Finding[]> {
  const vault = await BankVault.open(pool, keyDirectory);
  const findings: Finding[] = [];
  for (const { stream, position, id } of closed) {
    const events = (await log.readStreams([stream])).get(stream) ?? [];
    const settlement = foldSettlement(events as unknown as readonly SettlementEvent[]);
    try {
      if (!settlement) throw new Error(`${stream} holds no settlement`);
      await renderSettlement(settlement, vault);
    } catch (error) {
      const detail = (error as Error).message;
      findings.push({ invariant: 'I8', service: 'exchange-settlement', position, eventId: id, detail });
    }
  }
  return findings;
}
