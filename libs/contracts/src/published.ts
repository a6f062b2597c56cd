import type { UpcastSteps } from '@tsunagu/kernel';
import type { Static, TSchema } from 'typebox';
import type { ServiceName, Topic } from './topics.js';

/** A version in which a published event was recorded once, and how it becomes the next one. */
export interface OlderVersion {
  /** JSON Schema of `data` as it was then. */
  readonly data: TSchema;
  readonly example: unknown;
  /** Pure. */
  readonly upcast: UpcastSteps[number];
}

/** An event that other services consume: only these are relayed. */
export interface PublishedEvent<T extends string = string, S extends TSchema = TSchema> {
  readonly type: T;
  readonly version: number;
  /** Versions 1 to `version` − 1 in order; absent while there is one only. */
  readonly older?: readonly OlderVersion[];
  readonly producer: ServiceName;
  readonly topic: Topic;
  /** One sentence: what has happened. */
  readonly meaning: string;
  /** JSON Schema of `data`; unknown members are refused. */
  readonly data: S;
  readonly example: Static<S>;
  /** Name of the member of `data` that is the partition key: the same in every version, so that an order by key lasts. */
  readonly key: keyof Static<S> & string;
}

export function published<T extends string, S extends TSchema>(event: PublishedEvent<T, S>): PublishedEvent<T, S> {
  return event;
}

/** An older version, its step checked against both schemas: `Next` is the data of the version after it. */
export function older<S extends TSchema, Next extends TSchema>(
  version: { readonly data: S; readonly example: Static<S>; readonly next: Next },
  upcast: (data: Static<S>) => Static<Next>,
): OlderVersion {
  return { data: version.data, example: version.example, upcast };
}
