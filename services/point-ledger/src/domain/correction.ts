/** Why points were changed and who approved it: of a closed list of patterns, never free text (DOMAIN: corrections). */
export interface Correction {
  readonly kind: 'reversal' | 'write_off';
  readonly reasonPattern: string;
  /** The second person; null where the event follows by rule from one that was approved. */
  readonly approvedBy: string | null;
}

const kinds: Readonly<Record<string, Correction['kind']>> = {
  GrantReversed: 'reversal',
  ReceivableWrittenOff: 'write_off',
};

/** Types of the events that are corrections. */
export const correctionTypes: readonly string[] = Object.keys(kinds);

/** The correction that an event is, if it is one. What staff approve is recorded by the one who approved it. */
export function correctionOf(event: {
  readonly type: string;
  readonly actor: string;
  readonly data: unknown;
}): Correction | undefined {
  const kind = kinds[event.type];
  if (!kind) return undefined;
  const { reasonPattern, approvedBy } = event.data as { readonly reasonPattern: string; readonly approvedBy?: string };
  return {
    kind,
    reasonPattern,
    approvedBy: approvedBy ?? (event.actor.startsWith('staff:') ? event.actor : null),
  };
}
