import type { RecordedEvent } from '../contract.js';
import type { CheckedEvent } from '../requests.js';
import type { KurrentEventData, KurrentRecord } from './client.js';

/** Said of a request at every one of its events. */
export interface RequestFacts {
  readonly requestId: string;
  readonly recordedAt: string;
  /** Made anew at each try: tells whose try it was that recorded the request. */
  readonly attempt: string;
}

/** Where an event lies in the log, counted by the reader. */
export interface Place {
  readonly log: number;
  readonly position: number;
  readonly recordedAt: string;
}

/** An event as KurrentDB takes it: its data is ours, all else is metadata, each member a text. */
export function toKurrent({ event, schemaVersion, data, reads }: CheckedEvent, facts: RequestFacts): KurrentEventData {
  const { id, type, effectiveAt, correlationId, causationId, actor, ownerId } = event;
  return {
    id,
    type,
    contentType: 'application/json',
    // What a caller does to its objects afterwards must not reach the log.
    data: JSON.parse(data),
    metadata: {
      ...facts,
      schemaVersion: String(schemaVersion),
      effectiveAt,
      correlationId,
      actor,
      ...(causationId === null ? {} : { causationId }),
      ...(ownerId === null ? {} : { ownerId }),
      ...(reads === '' ? {} : { reads }),
    },
  };
}

/** An event as it was recorded. Throws where the record was not written by this adapter. */
export function fromKurrent(record: KurrentRecord, prefix: string, place: Place): RecordedEvent {
  const metadata = metadataOf(record);
  const { reads } = metadata;
  return {
    id: record.id,
    type: record.type,
    schemaVersion: Number(text(record, 'schemaVersion')),
    effectiveAt: text(record, 'effectiveAt'),
    correlationId: text(record, 'correlationId'),
    causationId: metadata.causationId ?? null,
    actor: text(record, 'actor'),
    ownerId: metadata.ownerId ?? null,
    ...(reads === undefined ? {} : { reads: JSON.parse(reads) }),
    data: record.data,
    ...place,
    stream: record.streamId.slice(prefix.length),
    revision: Number(record.revision),
    requestId: text(record, 'requestId'),
  };
}

/** A member that every event has. */
export function text(
  record: KurrentRecord,
  member: keyof RequestFacts | 'schemaVersion' | 'effectiveAt' | 'correlationId' | 'actor',
): string {
  const value = metadataOf(record)[member];
  if (typeof value !== 'string') throw new Error(`${record.streamId}@${record.revision} has no ${member}: not ours`);
  return value;
}

function metadataOf({ metadata }: KurrentRecord): Readonly<Record<string, string | undefined>> {
  const isMap = typeof metadata === 'object' && metadata !== null && !(metadata instanceof Uint8Array);
  return isMap ? (metadata as Record<string, string>) : {};
}

/** Whether a server takes requests that write to several streams: from 25.1 on. One that does not tell its version does not. */
export function appendsToSeveral(serverVersion: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(serverVersion) ?? [];
  return Number(major) > 25 || (Number(major) === 25 && Number(minor) >= 1);
}
