import type { CheckedRequest } from '../requests.js';

/**
 * Events as `append_events` takes them: one newline-joined text a column, an empty line for null. Of a column that may be
 * one line for all, that line where all are the same.
 */
export function joinedColumns(requests: readonly CheckedRequest[]): string[] {
  const streams: string[] = [];
  const revisions: number[] = [];
  const eventIds: string[] = [];
  const requestIds: string[] = [];
  const types: string[] = [];
  const schemaVersions: number[] = [];
  const effectiveAts: string[] = [];
  const correlationIds: string[] = [];
  const causationIds: string[] = [];
  const actors: string[] = [];
  const ownerIds: string[] = [];
  const reads: string[] = [];
  const data: string[] = [];
  for (const { requestId, writes } of requests) {
    for (const { stream, expectedRevision, events } of writes) {
      let revision = expectedRevision;
      for (const checked of events) {
        const { event } = checked;
        revision += 1;
        streams.push(stream);
        revisions.push(revision);
        eventIds.push(event.id);
        requestIds.push(requestId);
        types.push(event.type);
        schemaVersions.push(checked.schemaVersion);
        effectiveAts.push(event.effectiveAt);
        correlationIds.push(event.correlationId);
        causationIds.push(event.causationId ?? '');
        actors.push(event.actor);
        ownerIds.push(event.ownerId ?? '');
        reads.push(checked.reads);
        data.push(checked.data);
      }
    }
  }
  return [
    lines(streams),
    lines(revisions),
    lines(eventIds),
    oneOrLines(requestIds),
    oneOrLines(types),
    oneOrLines(schemaVersions),
    oneOrLines(effectiveAts),
    lines(correlationIds),
    lines(causationIds),
    oneOrLines(actors),
    oneOrLines(ownerIds),
    reads.some((line) => line !== '') ? lines(reads) : '',
    lines(data),
  ];
}

function lines(values: readonly (string | number)[]): string {
  return values.join('\n');
}

function oneOrLines(values: readonly (string | number)[]): string {
  const [first = ''] = values;
  return values.every((value) => value === first) ? String(first) : lines(values);
}
