import { schemaErrors } from '@tsunagu/contracts';
import type { RecordedEvent } from '@tsunagu/event-store';
import type { FeedMessage } from '../contract.js';
import { keyFor, partitionOf, toMessage } from '../message.js';

/** A message as Kafka carries it. */
export interface WireMessage {
  readonly key: string | null;
  readonly value: string;
  readonly partition: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A message as it came: `value` and headers are bytes of unknown origin. */
export interface IncomingMessage {
  readonly partition: number;
  readonly offset: string;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, unknown>> | undefined;
}

/** What a partition says, in terms of the producer's log: an event, or that there is none up to `through`. */
export interface Entry {
  readonly log: number;
  /** The last position published in this partition before. */
  readonly previous: number;
  /** The event's position; for a heartbeat the position through which the log has been published. */
  readonly through: number;
  readonly message: FeedMessage | null;
}

export function encodeEvent(event: RecordedEvent, previous: number): WireMessage {
  const key = keyFor(event);
  return {
    key,
    value: JSON.stringify(event),
    partition: partitionOf(key),
    headers: { kind: 'event', log: String(event.log), position: String(event.position), previous: String(previous) },
  };
}

export function encodeHeartbeat(log: number, partition: number, through: number, previous: number): WireMessage {
  return {
    key: null,
    value: '{}',
    partition,
    headers: { kind: 'heartbeat', log: String(log), position: String(through), previous: String(previous) },
  };
}

/**
 * The entry of a message, or undefined for what is not whole: the hole that it leaves is filled from the log, so
 * nothing that Kafka brings is trusted further than its form.
 */
export function decode(incoming: IncomingMessage, topic: string): Entry | undefined {
  const headers: Partial<Record<'kind' | 'log' | 'position' | 'previous', unknown>> = incoming.headers ?? {};
  const kind = text(headers.kind);
  const log = count(headers.log);
  const through = count(headers.position);
  const previous = count(headers.previous);
  if (log === undefined || through === undefined || previous === undefined) return undefined;
  if (kind === 'heartbeat') return previous <= through ? { log, previous, through, message: null } : undefined;
  if (kind !== 'event' || previous >= through || !incoming.value) return undefined;
  try {
    const event = JSON.parse(incoming.value.toString('utf8')) as RecordedEvent;
    if (event.log !== log || event.position !== through) return undefined;
    if (schemaErrors(event.type, event.schemaVersion, event.data).length > 0) return undefined;
    const message = toMessage(event, topic);
    return partitionOf(message.key) === incoming.partition ? { log, previous, through, message } : undefined;
  } catch {
    return undefined;
  }
}

function text(header: unknown): string | undefined {
  if (typeof header === 'string') return header;
  return Buffer.isBuffer(header) ? header.toString('utf8') : undefined;
}

function count(header: unknown): number | undefined {
  const digits = text(header);
  if (digits === undefined || !/^\d{1,16}$/.test(digits)) return undefined;
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : undefined;
}
