import type { LedgerEvent } from './postings.js';

/**
 * The order that a fund's stream and its leases' streams have among them though they lie in different logs: a lease is
 * opened after the fund leased it, and comes back after it was closed. Keeps only the leases that are out.
 */
export function leaseOrder() {
  const leased = new Set<string>();
  const closed = new Set<string>();
  return {
    mayCome(event: { readonly type: string; readonly data: unknown }): boolean {
      const known = event as LedgerEvent;
      if (known.type === 'LeaseOpened') return leased.has(known.data.leaseId);
      return known.type !== 'FundReturned' || closed.has(known.data.leaseId);
    },
    take(event: { readonly type: string; readonly data: unknown }): void {
      const known = event as LedgerEvent;
      if (known.type === 'FundLeased') leased.add(known.data.leaseId);
      if (known.type === 'LeaseClosed') closed.add(known.data.leaseId);
      if (known.type !== 'FundReturned') return;
      leased.delete(known.data.leaseId);
      closed.delete(known.data.leaseId);
    },
  };
}
