import { errorCode } from '@tsunagu/contracts';
import type { Refusal, Result } from '@tsunagu/kernel';

/** A refusal on its way out of a controller: becomes `application/problem+json` (RFC 9457). Rules return values and never throw this. */
export class Problem extends Error {
  readonly status: number;
  constructor(readonly refusal: Refusal) {
    super(refusal.detail ?? refusal.code);
    this.name = 'Problem';
    const known = errorCode(refusal.code);
    if (!known) throw new Error(`${refusal.code} is not in the error catalogue`);
    this.status = known.status;
  }
}

/** The value, or the refusal thrown as a Problem. For controllers only. */
export function valueOrProblem<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Problem(result.refusal);
}
