import { type NewEvent, StoreError, toNewEvent } from '@tsunagu/event-store';

/** What a consumed event hands on to the events that answer it. */
export interface Cause {
  readonly id: string | null;
  readonly correlationId: string;
}

/** An event of the ledger: acts of its own are by `service:point-ledger`, a staff member's by that person. */
export function ledgerEvent(
  event: { readonly type: string; readonly data: unknown },
  meta: {
    readonly id: string;
    readonly cause: Cause;
    readonly effectiveAt: string;
    readonly ownerId: string | null;
    readonly actor?: string;
    readonly reads?: Readonly<Record<string, number>>;
  },
): NewEvent {
  const { id, cause, effectiveAt, ownerId, actor = 'service:point-ledger', reads } = meta;
  const said = { id, effectiveAt, correlationId: cause.correlationId, causationId: cause.id, actor, ownerId };
  return toNewEvent(event, reads === undefined ? said : { ...said, reads });
}

/** A contest that other writers keep winning: an outage, so the feed brings the work again. */
export function contested(message: string): StoreError {
  return new StoreError('store.unavailable', message);
}

/** Expected revision of a stream that was read up to `revision`, −1 where it did not exist. */
export function expected(revision: number): 'noStream' | number {
  return revision < 0 ? 'noStream' : revision;
}
