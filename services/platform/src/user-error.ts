/** A mistake that the user can mend: printed as one sentence, exit code 1. */
export class UserError extends Error {
  override readonly name = 'UserError';
}
