import { StoreError } from '../contract.js';

/** What the client's error types say about a write: the closed list of its ErrorType. */
const conflicts = new Set(['wrong-expected-version', 'append-consistency-violation']);
const refusals = new Set([
  'invalid-argument',
  'maximum-append-size-exceeded',
  'transaction-max-size-exceeded',
  'append-record-size-exceeded',
]);
/** Nothing was written, and nothing will be until somebody has changed something. */
const closed = new Set(['access-denied', 'not-leader', 'stream-deleted', 'stream-tombstoned', 'unsupported']);

/** Another writer was first. */
export function isConflict(error: unknown): boolean {
  return conflicts.has(typeOf(error));
}

export function isNoStream(error: unknown): boolean {
  const type = typeOf(error);
  return type === 'stream-not-found' || type === 'no-stream';
}

/** A failed write as the contract says it: what does not surely say that nothing was written leaves the outcome unknown. */
export function writeFailure(error: unknown): StoreError {
  const type = typeOf(error);
  if (refusals.has(type))
    return new StoreError('store.invalid_request', `refused: ${messageOf(error)}`, { cause: error });
  if (closed.has(type)) return readFailure(error);
  const message = `the answer to a write was lost, repeat with the same ids: ${messageOf(error)}`;
  return new StoreError('store.outcome_unknown', message, { cause: error });
}

export function readFailure(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = `the event store cannot be used: ${messageOf(error)}`;
  return new StoreError('store.unavailable', message, { cause: error });
}

function typeOf(error: unknown): string {
  const type = (error as { type?: unknown } | undefined)?.type;
  return typeof type === 'string' ? type : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
