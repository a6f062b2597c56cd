import { domainEvents, type EventLog } from '@tsunagu/event-store';
import { fold, type Settlement, type SettlementEvent, settlementStream } from '../domain/settlement.js';
import { type RenderedFile, settlementFiles } from '../files/settlement-files.js';
import type { Payee, Payer } from '../files/zengin.js';
import type { BankVault } from '../outbound/bank-vault.js';

export async function readSettlement(log: EventLog, settlementId: string) {
  const stream = settlementStream(settlementId);
  const recorded = domainEvents<SettlementEvent>((await log.readStreams([stream])).get(stream));
  return { stream, recorded, settlement: fold(recorded) };
}

/** The files again, from what was recorded. Throws where they are not the bytes that were listed: then the vault or the templates were changed. */
export async function renderSettlement(settlement: Settlement, vault: BankVault): Promise<readonly RenderedFile[]> {
  const recorded = settlement.close;
  if (!recorded) return [];
  const { files: listed, ...close } = recorded;
  const payer = await vault.read<Payer>(close.payer.reference, close.ownerId);
  const payee = await vault.read<Payee>(close.payee.reference, close.ownerId);
  const files = settlementFiles({ close, lines: settlement.lines, payer, payee });
  const differing = files.filter((file, index) => file.sha256 !== listed[index]?.sha256);
  if (files.length !== listed.length || differing.length > 0)
    throw new Error(`files of settlement ${close.settlementId} are not as they were listed`);
  return files;
}
