import { Inject, Injectable } from '@nestjs/common';
import type { DataOf } from '@tsunagu/contracts';
import { appendOne, domainEvents, type EventLog, expectedRevision, type RecordedEvent } from '@tsunagu/event-store';
import { type Clock, isoTime, newId } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import {
  type DoubledGrantEvent,
  doubledGrantStream,
  reversalDays,
  stateOfDoubledGrant,
} from '../domain/doubled-grant.js';
import { type DoubledGrantRow, type GrantedTwice, MergeIndex } from '../projections/merge-index.js';
import { serviceActor, toNewEvent } from '../recording.js';

/** Looked at in one round; the sweeper comes again. */
const ROUND_MAX = 200;
const DAY_MS = 86_400_000;

/** Grants that one person got twice are listed for reversal at once (I1). Reversing is the ledger's. */
@Injectable()
export class DoubledGrants {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly merges: MergeIndex,
  ) {}

  /** Opens an item for each grant too many, once. */
  async find(correlationId: string): Promise<void> {
    for (const { ownerId, ...twice } of await this.merges.grantedTwice(ROUND_MAX)) {
      const now = this.clock.now();
      const data = { ...twice, dueAt: isoTime(now + reversalDays * DAY_MS) };
      await this.append(twice, { type: 'DoubledGrantFound', data }, { ownerId, correlationId, now });
    }
  }

  /** A grant that was taken back ends the item, whichever of the two it was. */
  async reversed(events: readonly RecordedEvent[]): Promise<void> {
    const reversals = events.filter(({ type }) => type === 'GrantReversed');
    if (reversals.length === 0) return;
    const claimIds = reversals.map(({ data }) => (data as DataOf<'GrantReversed'>).claimId);
    const correlationId = reversals[0]?.correlationId ?? '';
    await this.end(await this.merges.openWithClaims(claimIds), 'reversed', correlationId);
  }

  /** Two persons who are not one were not granted twice. */
  async endAfterSplit(personId: string, correlationId: string): Promise<void> {
    const ids = await this.merges.idsNow(personId);
    const open = await this.merges.openOf(ids);
    const parted = open.filter((row) => !(ids.includes(row.personId) && ids.includes(row.keptPersonId)));
    await this.end(parted, 'split', correlationId);
  }

  private async end(
    rows: readonly DoubledGrantRow[],
    ended: 'reversed' | 'split',
    correlationId: string,
  ): Promise<void> {
    for (const row of rows) {
      const event = { type: 'DoubledGrantEnded', data: { claimId: row.claimId, ended } } as const;
      await this.append(row, event, { ownerId: row.ownerId, correlationId, now: this.clock.now() });
    }
  }

  /** Another process that does the same at this moment does it for both. */
  private async append(
    { claimId }: Pick<GrantedTwice, 'claimId'>,
    event: DoubledGrantEvent,
    { ownerId, correlationId, now }: { ownerId: string; correlationId: string; now: number },
  ): Promise<void> {
    const stream = doubledGrantStream(claimId);
    const recorded = (await this.log.readStreams([stream])).get(stream);
    const isOpen = stateOfDoubledGrant(domainEvents<DoubledGrantEvent>(recorded)) === 'open';
    if (isOpen === (event.type === 'DoubledGrantFound')) return;
    const cause = { correlationId, causationId: recorded?.at(-1)?.id ?? null, actor: serviceActor, ownerId };
    const events = [toNewEvent(newId(now), { ...event, effectiveAt: isoTime(now) }, cause)];
    await appendOne(this.log, { writes: [{ stream, expectedRevision: expectedRevision(recorded), events }] });
  }
}
