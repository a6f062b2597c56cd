/** An expected refusal: a stable code `service.reason`, never an exception. */
export interface Refusal<C extends string = string> {
  readonly code: C;
  /** One English sentence about this very case, without personal data. */
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  /** Further members of the problem document, such as `opensAt`. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
}

export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

export type Result<T, C extends string = string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal<C> };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function refuse<C extends string>(
  code: C,
  more: Omit<Refusal<C>, 'code'> = {},
): { readonly ok: false; readonly refusal: Refusal<C> } {
  return { ok: false, refusal: { code, ...more } };
}
