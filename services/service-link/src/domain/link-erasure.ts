/** identity erased a person. Stream `linkErasure-<personId>`: begun with the first event that is heard of it, completed when nothing of them is left. */
export type LinkErasureEvent =
  | {
      readonly type: 'LinkErasureBegun';
      /** keyHash: SHA-256 of the key that goes here, which proves which one it was; another one than identity's. */
      readonly data: { readonly personId: string; readonly erasureId: string; readonly keyHash: string };
    }
  | { readonly type: 'LinkErasureCompleted'; readonly data: { readonly personId: string; readonly erasureId: string } };

export interface LinkErasure {
  readonly personId: string;
  readonly erasureId: string;
  readonly keyHash: string;
  readonly state: 'begun' | 'done';
}

export function evolve(state: LinkErasure | undefined, event: LinkErasureEvent): LinkErasure {
  if (event.type === 'LinkErasureBegun') return { ...event.data, state: 'begun' };
  if (!state) throw new Error(`${event.type} stands before LinkErasureBegun`);
  return { ...state, state: 'done' };
}

export function fold(events: readonly LinkErasureEvent[]): LinkErasure | undefined {
  return events.reduce<LinkErasure | undefined>(evolve, undefined);
}

export function linkErasureStream(personId: string): string {
  return `linkErasure-${personId}`;
}
