/**
 * What an audit found wrong. `position` and `to` are the first and the last position concerned, null where no position can be
 * named; `leaf` is the event as it stands now, where there is one.
 */
export interface AuditFinding {
  readonly kind: 'changed' | 'moved' | 'inserted' | 'removed' | 'beyond_end' | 'tree' | 'head' | 'range';
  readonly position: number | null;
  readonly to: number | null;
  readonly detail: string;
  readonly leaf?: string;
}

/** Findings kept one by one; of more, only the number is told. */
export const FINDINGS_MAX = 1_000;

/** `4`, or `4–9`. */
export function span(from: number, to: number): string {
  return from === to ? `position ${from}` : `positions ${from}–${to}`;
}
