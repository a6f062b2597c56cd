import type { NewEvent } from './contract.js';

/** What the shell adds to a domain event. */
export type EventMeta = Pick<
  NewEvent,
  'id' | 'effectiveAt' | 'correlationId' | 'causationId' | 'actor' | 'ownerId' | 'reads' | 'schemaVersion'
>;

/** A domain event `{ type, data }` with its meta, ready to append. */
export function toNewEvent<T extends string, D>(
  event: { readonly type: T; readonly data: D },
  meta: EventMeta,
): NewEvent<T, D> {
  return { ...meta, type: event.type, data: event.data };
}
