import { createHash } from 'node:crypto';
import { partitionCount, publishedEvent } from '@tsunagu/contracts';
import type { LogSlice, RecordedEvent } from '@tsunagu/event-store';
import type { FeedMessage } from './contract.js';

/** Most messages that a consumer is given at once. */
export const batchSizeMax = 1_000;

/** The parts of pino that the feeds use. */
export interface FeedLogger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/**
 * Reads a producer's log: published events after a position in order, about `limit` of them, and the last position
 * looked at. In the cluster it asks the producer's internal `log`; throws an outage when that cannot be reached.
 */
export type CatchUp = (topic: string, after: number, limit: number, log: number) => Promise<LogSlice>;

/** A recorded event as a message of a topic. What lacks its key member lies under its stream's name, so it still has an order. */
export function toMessage(event: RecordedEvent, topic: string): FeedMessage {
  return { ...event, topic, key: keyFor(event) };
}

/** The partition key of a published event. */
export function keyFor(event: RecordedEvent): string {
  const member = publishedEvent(event.type)?.key;
  const data = event.data as Readonly<Record<string, unknown>> | null;
  const value = member === undefined || typeof data !== 'object' ? undefined : data?.[member];
  return typeof value === 'string' ? value : event.stream;
}

/** The partition of a key: stable for ever, so that a key keeps its order. The first 32 bits of SHA-256 over 48. */
export function partitionOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) % partitionCount;
}
