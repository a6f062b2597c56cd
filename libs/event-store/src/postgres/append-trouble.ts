import { StoreError } from '../contract.js';
import type { Evaluated } from '../evaluate.js';

/**
 * A failed append is told of for so long. Not until one goes well: who is asked for readiness before it is given any work
 * would else never be given work again.
 */
const TOLD_MS = 10_000;

/** By SQLSTATE, in words that show nothing of the server's inside. */
const reasons: Readonly<Record<string, string>> = {
  53100: 'the disk of its database is full',
  25006: 'its database is read-only, as a standby is',
};

/** Remembers why the last commit of a log failed. */
export class AppendTrouble {
  private last: { readonly reason: string; readonly atMs: number } | undefined;

  note(evaluated: readonly Evaluated[]): void {
    const failed = evaluated.find(
      (outcome) => outcome instanceof StoreError && outcome.code !== 'store.invalid_request',
    );
    this.last = failed && { reason: reasonOf(failed as StoreError), atMs: performance.now() };
  }

  now(): string | undefined {
    return this.last && performance.now() - this.last.atMs < TOLD_MS ? this.last.reason : undefined;
  }
}

function reasonOf({ cause }: StoreError): string {
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return (typeof code === 'string' && reasons[code]) || 'its database does not answer a commit';
}
