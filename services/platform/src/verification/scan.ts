import type { EventLog } from '@tsunagu/event-store';
import type { Progress } from '../progress.js';
import type { Finding } from './finding.js';
import type { Kept, Read } from './kept.js';

const PAGE = 5_000;

/** Reads a log once from its beginning to the head of the moment it is called, in bounded memory: a page is taken while the next one is read. */
export async function scan(log: EventLog, progress: Progress, take: (event: Read) => void): Promise<number> {
  const head = await log.head();
  const read = (after: number) => (after < head ? log.readLog({ after, limit: PAGE }) : undefined);
  for (let next = read(0); next; ) {
    const slice = await next;
    next = read(slice.through);
    // It is awaited in the next round, which an error in this one skips.
    next?.catch(() => undefined);
    for (const event of slice.events) if (event.position <= head) take(event as Read);
    progress.at(slice.through, head);
  }
  return head;
}

/** What a log must be from one event to the next: positions without gaps, times that never go back. */
export function checkOrder(
  service: string,
  found: (finding: Finding) => void,
): {
  /** True where a run of events of one request begins. */
  take(event: Read): boolean;
} {
  let last: Read | undefined;
  return {
    take(event) {
      if (event.position !== (last?.position ?? 0) + 1)
        found(ofLog(service, event, `position ${event.position} follows ${last?.position ?? 0}`));
      if (last && event.recordedAt < last.recordedAt)
        found(ofLog(service, event, `recorded at ${event.recordedAt}, before its predecessor`));
      const begins = last?.requestId !== event.requestId;
      last = event;
      return begins;
    },
  };
}

/** Revisions without gaps, of the streams that it is given. */
export function checkRevisions(found: (finding: Finding) => void): { take(event: Kept): void } {
  const revisions = new Map<string, number>();
  return {
    take(event) {
      const { service, log, stream, revision } = event;
      const name = `${service} ${log} ${stream}`;
      const due = (revisions.get(name) ?? -1) + 1;
      if (revision !== due) found(ofLog(service, event, `${stream} has revision ${revision} where ${due} was due`));
      revisions.set(name, revision);
    },
  };
}

/** Requests in one piece, of the runs of events that it is given: one run for each request. */
export function checkRequests(found: (finding: Finding) => void): { take(run: Kept): void } {
  const seen = new Set<string>();
  return {
    take(run) {
      const { service, log, stream: requestId } = run;
      const name = `${service} ${log} ${requestId}`;
      if (seen.has(name)) found(ofLog(service, run, `request ${requestId} is in pieces`));
      seen.add(name);
    },
  };
}

function ofLog(service: string, { log, position, id }: Pick<Read, 'log' | 'position' | 'id'>, detail: string): Finding {
  return { invariant: 'log', service, log, position, eventId: id, detail };
}
