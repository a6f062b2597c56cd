import type { PoolClient } from 'pg';
import type { RecordedEvent } from './contract.js';

/**
 * A read model: a fold written as SQL over tables of the service's schema. Names in its SQL are unqualified: the
 * search path decides the schema, so that `verify` can fold the same log again into a scratch schema and compare digests.
 */
export interface Projection {
  readonly name: string;
  /** Tables it owns, created by a migration; truncated by a rebuild. Their digest is over all columns, ordered by primary key. */
  readonly tables: readonly string[];
  /** Only these event types are delivered (all where absent). */
  readonly types?: readonly string[];
  /**
   * Runs inside the transaction that stores the checkpoint. Must depend on nothing but the events and its own tables.
   * Where a service has several logs, the events of different logs come in any order, at the same time, and positions
   * are theirs alone: a row that both may change must come out the same.
   */
  apply(client: PoolClient, events: readonly RecordedEvent[]): Promise<void>;
}

export interface ProjectionStatus {
  readonly name: string;
  readonly log: number;
  readonly position: number;
  readonly head: number;
  /** Why it does not go on, while it does not. */
  readonly lastError?: string;
}
