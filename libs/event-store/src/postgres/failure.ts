import { StoreError } from '../contract.js';

/** What a failed statement says about its transaction. */
export type Failure =
  /** A unique constraint: some request of the batch lost. */
  | 'violated'
  /** Rolled back for no fault of the statement: worth another try. */
  | 'retry'
  /** The server refused the values themselves. */
  | 'invalid'
  /** Rolled back: the server cannot work now. */
  | 'unavailable'
  /** No answer, or one that does not tell whether the transaction was rolled back. */
  | 'unknown';

/** Reads the SQLSTATE of an error that node-postgres threw; without one the connection broke. */
export function failureOf(error: unknown): Failure {
  const code = sqlState(error);
  // node-postgres refused to send: "Client … is not queryable".
  if (code === undefined) return messageOf(error).endsWith('not queryable') ? 'unavailable' : 'unknown';
  if (code === '23505') return 'violated';
  if (code === '40001' || code === '40P01') return 'retry';
  // Data exceptions and program limits, such as JSON nested too deep.
  if (code.startsWith('22') || code.startsWith('54')) return 'invalid';
  // Class 57P: the server ended the session, perhaps between the commit and its answer. 08: the connection broke.
  if (code.startsWith('57P') || code.startsWith('08')) return 'unknown';
  return 'unavailable';
}

export function unavailable(error: unknown): StoreError {
  return new StoreError('store.unavailable', `the event store cannot be used: ${messageOf(error)}`, { cause: error });
}

export function outcomeUnknown(error: unknown): StoreError {
  const message = `the answer to a commit was lost, repeat with the same ids: ${messageOf(error)}`;
  return new StoreError('store.outcome_unknown', message, { cause: error });
}

function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && 'severity' in error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
