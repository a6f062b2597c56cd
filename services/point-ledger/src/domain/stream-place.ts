import { accountStream } from './account.js';
import { leaseLog } from './lease.js';

/**
 * Where a stream of the ledger lies: an account by the person's id, a lease in the log of the accounts that it pays,
 * everything else in log 0 (DESIGN: several logs).
 */
export function placeOf(stream: string): { readonly key: string } | { readonly log: number } {
  const accounts = accountStream('');
  return stream.startsWith(accounts) ? { key: stream.slice(accounts.length) } : { log: leaseLog(stream) };
}
