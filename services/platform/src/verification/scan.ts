import type { EventLog, RecordedEvent } from '@tsunagu/event-store';
import type { Progress } from '../progress.js';
import type { Finding } from './finding.js';

export type Read = RecordedEvent<string, Record<string, unknown>>;

const PAGE = 2_000;

/** Reads a log once from its beginning to the head of the moment it is called, in bounded memory. */
export async function scan(log: EventLog, progress: Progress, take: (event: Read) => void): Promise<number> {
  const head = await log.head();
  for (let after = 0; after < head; ) {
    const slice = await log.readLog({ after, limit: PAGE });
    for (const event of slice.events) if (event.position <= head) take(event as Read);
    after = slice.through;
    progress.at(after, head);
  }
  return head;
}

/** What every log must be: positions without gaps, revisions without gaps, times that never go back, requests in one piece. */
export function checkOrder(service: string): { take(event: Read): void; findings: Finding[] } {
  const findings: Finding[] = [];
  const revisions = new Map<string, number>();
  const endedRequests = new Set<string>();
  let last: Read | undefined;
  return {
    findings,
    take(event) {
      const say = (detail: string) =>
        findings.push({
          invariant: 'log',
          service,
          log: event.log,
          position: event.position,
          eventId: event.id,
          detail,
        });
      if (event.position !== (last?.position ?? 0) + 1)
        say(`position ${event.position} follows ${last?.position ?? 0}`);
      const revision = (revisions.get(event.stream) ?? -1) + 1;
      if (event.revision !== revision) say(`${event.stream} has revision ${event.revision} where ${revision} was due`);
      revisions.set(event.stream, event.revision);
      if (last && event.recordedAt < last.recordedAt) say(`recorded at ${event.recordedAt}, before its predecessor`);
      if (last && last.requestId !== event.requestId) {
        endedRequests.add(last.requestId);
        if (endedRequests.has(event.requestId)) say(`request ${event.requestId} is in pieces`);
      }
      last = event;
    },
  };
}
