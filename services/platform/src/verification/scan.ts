import type { EventLog, RecordedEvent } from '@tsunagu/event-store';
import type { Progress } from '../progress.js';
import type { Finding } from './finding.js';
import { Spill } from './spill.js';

export type Read = RecordedEvent<string, Record<string, unknown>>;

const PAGE = 2_000;

/** Reads a log once from its beginning to the head of the moment it is called, in bounded memory. `prepare` is awaited with each page before its events are taken. */
export async function scan(
  log: EventLog,
  progress: Progress,
  take: (event: Read) => void,
  prepare: (events: readonly Read[]) => Promise<void> = async () => {},
): Promise<number> {
  const head = await log.head();
  for (let after = 0; after < head; ) {
    const slice = await log.readLog({ after, limit: PAGE });
    await prepare(slice.events as readonly Read[]);
    for (const event of slice.events) if (event.position <= head) take(event as Read);
    after = slice.through;
    progress.at(after, head);
  }
  return head;
}

/** A revision of a stream, or a request where it begins. */
interface Piece {
  readonly stream?: string;
  readonly revision?: number;
  readonly request?: string;
  readonly position: number;
  readonly id: string;
}

/**
 * What every log must be: positions without gaps, revisions without gaps, times that never go back, requests in one piece.
 * Positions and times show as the events come; what concerns one stream or one request is put aside and shown at the end.
 */
export function checkOrder(service: string, expected = 0) {
  const findings: Finding[] = [];
  const pieces = new Spill<Piece>(2 * expected);
  let last: Read | undefined;
  const sayAt: (at: { position: number; id: string }) => (detail: string) => void =
    ({ position, id: eventId }) =>
    (detail) =>
      void findings.push({ invariant: 'log', service, position, eventId, detail });
  return {
    findings,
    settle: () => pieces.settle(),
    close: () => pieces.close(),
    take(event: Read): void {
      const say = sayAt(event);
      const { position, id, stream, revision } = event;
      if (position !== (last?.position ?? 0) + 1) say(`position ${position} follows ${last?.position ?? 0}`);
      if (last && event.recordedAt < last.recordedAt) say(`recorded at ${event.recordedAt}, before its predecessor`);
      pieces.put(stream, { stream, revision, position, id });
      if (last?.requestId !== event.requestId) pieces.put(event.requestId, { request: event.requestId, position, id });
      last = event;
    },
    async finish(): Promise<void> {
      for await (const bucket of pieces.buckets()) {
        const revisions = new Map<string, number>();
        const requests = new Set<string>();
        for (const { stream, revision, request, ...at } of bucket) {
          if (request !== undefined) {
            if (requests.has(request)) sayAt(at)(`request ${request} is in pieces`);
            requests.add(request);
          } else if (stream !== undefined && revision !== undefined) {
            const due = (revisions.get(stream) ?? -1) + 1;
            if (revision !== due) sayAt(at)(`${stream} has revision ${revision} where ${due} was due`);
            revisions.set(stream, revision);
          }
        }
      }
    },
  };
}
