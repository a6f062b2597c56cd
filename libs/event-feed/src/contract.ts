import type { RecordedEvent } from '@tsunagu/event-store';

/** A published event as a consumer receives it. */
export interface FeedMessage<T extends string = string, D = unknown> extends RecordedEvent<T, D> {
  readonly topic: string;
  /** Partition key: the personId where the event is about a person, else the id of its own stream. */
  readonly key: string;
}

/** What a consumer method gets as its payload: messages of one topic in order per key, at least once. */
export type FeedBatch = readonly FeedMessage[];

export interface FeedSubscription {
  /** The last position whose work is done, by log. */
  positions(): Promise<ReadonlyMap<number, number>>;
  close(): Promise<void>;
}

/**
 * Where a consumer hears other services. `handle` gets whole batches; a rejected promise means nothing of the batch
 * counts as done: an outage is tried again, an error of a message is found by bisecting and dead-lettered.
 */
export interface Feed {
  subscribe(subscription: {
    topic: string;
    /** Consumer group: the consuming service's name. */
    group: string;
    handle(batch: FeedBatch): Promise<void>;
  }): Promise<FeedSubscription>;
  close(): Promise<void>;
}

/** Thrown by a handler for a message that can never be worked off: it goes to the dead letters at once. */
export class UnprocessableMessage extends Error {
  constructor(
    readonly messageId: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'UnprocessableMessage';
  }
}
