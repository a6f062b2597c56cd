import { domainEvents, type EventLog } from '@tsunagu/event-store';
import type { LeaseRead, LedgerEvent } from '@tsunagu/point-ledger';

const PAGE = 5_000;

/**
 * What leases had left at revisions that decisions name and that had passed when the decision was read: rare, so their streams
 * are read again, a page at a time.
 */
export class LeaseRests {
  private readonly wanted = new Map<string, Map<number, number | undefined>>();

  want({ stream, revision }: LeaseRead): void {
    const known = this.wanted.get(stream);
    if (known) known.set(revision, undefined);
    else this.wanted.set(stream, new Map([[revision, undefined]]));
  }

  async load(logs: readonly EventLog[], logOf: (stream: string) => number): Promise<void> {
    for (const [stream, rests] of this.wanted) {
      const log = logs[logOf(stream)];
      const head = (await log?.head()) ?? 0;
      let restPoints = 0;
      for (let after = 0; log && after < head; ) {
        const slice = await log.readLog({ after, limit: PAGE, stream });
        for (const event of domainEvents<LedgerEvent>(slice.events)) {
          if (event.type === 'LeaseOpened') restPoints = event.data.points;
          if (event.type === 'FundDrawn') restPoints -= event.data.points;
          if (rests.has(event.revision)) rests.set(event.revision, restPoints);
        }
        after = slice.through;
      }
    }
  }

  /** 0 for a lease that is not there, as for one that was not read. */
  at({ stream, revision }: LeaseRead): number {
    return this.wanted.get(stream)?.get(revision) ?? 0;
  }
}
