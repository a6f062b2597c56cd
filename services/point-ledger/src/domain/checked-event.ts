/** An invariant that the log breaks, and the event at which it broke. */
export interface Violation {
  readonly invariant: 'I1' | 'I3' | 'I4' | 'I5' | 'fold' | 'double-entry';
  readonly eventId: string;
  readonly log: number;
  readonly position: number;
  readonly detail: string;
}

export interface CheckedEvent {
  readonly id: string;
  /** 0 where absent. */
  readonly log?: number;
  readonly type: string;
  readonly stream: string;
  readonly position: number;
  readonly requestId: string;
  readonly data: unknown;
}

/** Told of every violation as it is found. */
export type Violated = (violation: Violation) => void;

export function violation(invariant: Violation['invariant'], at: CheckedEvent, detail: string): Violation {
  return { invariant, eventId: at.id, log: at.log ?? 0, position: at.position, detail };
}
