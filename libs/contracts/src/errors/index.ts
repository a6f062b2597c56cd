import { campaignErrors } from './campaign.js';
import type { ErrorCode } from './catalogue.js';
import { edgeErrors } from './edge.js';
import { exchangeSettlementErrors } from './exchange-settlement.js';
import { identityErrors } from './identity.js';
import { listErrors } from './lists.js';
import { logErrors } from './log.js';
import { machineErrors } from './machines.js';
import { pointLedgerErrors } from './point-ledger.js';
import { serviceLinkErrors } from './service-link.js';

/** Every code that can stand in a problem document. */
export const errorCodes = {
  ...edgeErrors,
  ...logErrors,
  ...identityErrors,
  ...machineErrors,
  ...serviceLinkErrors,
  ...campaignErrors,
  ...pointLedgerErrors,
  ...listErrors,
  ...exchangeSettlementErrors,
};

export type Code = keyof typeof errorCodes;

export function errorCode(code: string): ErrorCode | undefined {
  return (errorCodes as Readonly<Record<string, ErrorCode>>)[code];
}
