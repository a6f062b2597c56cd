import { type AppendOutcome, StoreError } from './contract.js';
import type { CheckedRequest } from './requests.js';

/** What is recorded of the ids and streams that some requests name, read under the log's lock. */
export interface Recorded {
  readonly head: number;
  positionOf(eventId: string): { readonly position: number; readonly stream: string } | undefined;
  /** −1 for a stream that does not exist. */
  revisionOf(stream: string): number;
}

/** An outcome, or the exception of this one request. */
export type Evaluated = AppendOutcome | StoreError;

/**
 * The contract's rules (DESIGN: append): the requests take effect one after another in the order given, each appended
 * at the next positions, or a duplicate, a conflict or an exception. Nothing is written here.
 */
export function evaluate(requests: readonly CheckedRequest[], recorded: Recorded): readonly Evaluated[] {
  const newPositions = new Map<string, { position: number; stream: string }>();
  const newRevisions = new Map<string, number>();
  const positionOf = (id: string) => newPositions.get(id) ?? recorded.positionOf(id);
  const revisionOf = (stream: string) => newRevisions.get(stream) ?? recorded.revisionOf(stream);
  let head = recorded.head;

  return requests.map((request) => {
    const known = lookUpIds(request, positionOf);
    if (known instanceof StoreError || known.outcome !== 'new') return known;
    const actualRevisions = Object.fromEntries(request.writes.map(({ stream }) => [stream, revisionOf(stream)]));
    const asExpected = request.writes.every((write) => revisionOf(write.stream) === write.expectedRevision);
    if (known.recordedIds.length > 0 || !asExpected) {
      return { outcome: 'conflict', actualRevisions, recordedIds: known.recordedIds };
    }
    const positions: number[] = [];
    for (const { stream, expectedRevision, events } of request.writes) {
      newRevisions.set(stream, expectedRevision + events.length);
      for (const { event } of events) {
        head += 1;
        newPositions.set(event.id, { position: head, stream });
        positions.push(head);
      }
    }
    return { outcome: 'appended', positions };
  });
}

type IdsFound = AppendOutcome | { outcome: 'new'; recordedIds: readonly string[] } | StoreError;

/** Rules (1) and (2): are all ids of the request recorded, in the same streams and order, or only some? */
function lookUpIds(request: CheckedRequest, positionOf: Recorded['positionOf']): IdsFound {
  const positions: number[] = [];
  const recordedIds: string[] = [];
  let inOrder = true;
  for (const { stream, events } of request.writes) {
    let before = 0;
    for (const { event } of events) {
      const found = positionOf(event.id);
      if (found === undefined) continue;
      if (found.stream !== stream) {
        return new StoreError('store.id_in_other_stream', `${event.id} is recorded in another stream than ${stream}`);
      }
      inOrder &&= found.position > before;
      before = found.position;
      recordedIds.push(event.id);
      positions.push(found.position);
    }
  }
  if (recordedIds.length === request.eventCount && inOrder) return { outcome: 'duplicate', positions };
  return { outcome: 'new', recordedIds };
}
