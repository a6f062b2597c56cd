import type { Static, TSchema } from 'typebox';
import type { ServiceName, Topic } from './topics.js';

/** An event that other services consume: only these are relayed. */
export interface PublishedEvent<T extends string = string, S extends TSchema = TSchema> {
  readonly type: T;
  readonly version: number;
  readonly producer: ServiceName;
  readonly topic: Topic;
  /** One sentence: what has happened. */
  readonly meaning: string;
  /** JSON Schema of `data`; unknown members are refused. */
  readonly data: S;
  readonly example: Static<S>;
  /** Name of the member of `data` that is the partition key. */
  readonly key: keyof Static<S> & string;
}

export function published<T extends string, S extends TSchema>(event: PublishedEvent<T, S>): PublishedEvent<T, S> {
  return event;
}
