import type { Read } from './scan.js';

/**
 * Tells of every event of the ledger, in order, what the lease of its request had left before the draw: the draw stands
 * at the end of a request, so a request's events are handed on when it is over. Keeps a number for each open lease.
 */
export function leaseRests(hand: (event: Read, restPoints: number | undefined) => void) {
  const rests = new Map<string, number>();
  let request: Read[] = [];
  const end = () => {
    let before: number | undefined;
    for (const { type, data } of request) {
      const leaseId = String(data.leaseId);
      if (type === 'LeaseOpened') rests.set(leaseId, Number(data.points));
      if (type === 'LeaseClosed') rests.delete(leaseId);
      if (type !== 'FundDrawn') continue;
      before = rests.get(leaseId);
      rests.set(leaseId, (before ?? 0) - Number(data.points));
    }
    for (const event of request) hand(event, before);
    request = [];
  };
  return {
    take(event: Read): void {
      if (request.length > 0 && request[0]?.requestId !== event.requestId) end();
      request.push(event);
    },
    end,
  };
}
