/** Stream `freeze-<personId>`: whether exchanges and changes of links stand still for a person. */
export type FreezeEvent =
  | {
      readonly type: 'PersonFrozen';
      readonly data: {
        readonly personId: string;
        readonly by: 'person' | 'support';
        /** Why the support desk did it; null for the person's own act. */
        readonly pattern: FreezePattern | null;
      };
    }
  | {
      readonly type: 'FreezeLifted';
      readonly data: {
        readonly personId: string;
        /** The certificate that signed for it, by keyed hash. */
        readonly certificateRef: string;
      };
    };

/** Reasons are chosen, not typed (DOMAIN §1): a free text would sooner or later hold a name. */
export const freezePatterns = [
  'card_lost',
  'card_stolen',
  'unknown_link',
  'unknown_exchange',
  'terminal_left_open',
] as const;
export type FreezePattern = (typeof freezePatterns)[number];

export interface Freeze {
  readonly frozen: boolean;
}

export function freezeStream(personId: string): string {
  return `freeze-${personId}`;
}

export function foldFreeze(events: readonly FreezeEvent[]): Freeze {
  return { frozen: events.at(-1)?.type === 'PersonFrozen' };
}

/** A second freeze changes nothing: the first one's reason stands. */
export function decideFreeze(
  freeze: Freeze,
  order: Extract<FreezeEvent, { type: 'PersonFrozen' }>['data'],
): readonly FreezeEvent[] {
  return freeze.frozen ? [] : [{ type: 'PersonFrozen', data: order }];
}

/** Only on a proof that the person's card signed for it. */
export function decideLift(
  freeze: Freeze,
  proven: { personId: string; certificateRef: string },
): readonly FreezeEvent[] {
  return freeze.frozen ? [{ type: 'FreezeLifted', data: proven }] : [];
}
