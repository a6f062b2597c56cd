import { checkAccounts, checkOneGrant } from './account-check.js';
import type { CheckedEvent, Violation } from './checked-event.js';
import { checkFunds } from './fund-check.js';

export type { CheckedEvent, Violation } from './checked-event.js';

export interface LedgerCheck {
  /** Every event of the log in order, from position 1; of several logs in an order that `leaseOrder` allows. */
  take(event: CheckedEvent): void;
  /** What is broken so far; also closes the request that the last event belongs to. */
  violations(): readonly Violation[];
  readonly counts: { readonly events: number; readonly accounts: number; readonly funds: number };
}

/**
 * Checks I1, I3, I4, I5 and double entry over the ledger's logs, one event at a time, I3 at the end of every request: the
 * checks of the funds and of the accounts together, with all accounts in memory. For logs of any size `tsunagu verify` takes
 * the funds in the order of the log and the accounts a part at a time.
 */
export function checkLedger(): LedgerCheck {
  const found: Violation[] = [];
  const violated = (violation: Violation) => void found.push(violation);
  const [funds, accounts, once] = [checkFunds(violated), checkAccounts(violated), checkOneGrant(violated)];
  let events = 0;
  return {
    take(event) {
      events += 1;
      funds.take(event);
      once.take(event);
      accounts.take(event);
    },
    violations() {
      funds.end();
      accounts.end();
      return found;
    },
    get counts() {
      return { events, accounts: accounts.accounts, funds: funds.funds };
    },
  };
}
