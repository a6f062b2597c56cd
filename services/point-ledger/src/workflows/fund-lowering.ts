import { Inject, Injectable } from '@nestjs/common';
import { appendSurely, type EventLog, type RecordedEvent } from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import {
  type CarryOverRefusal,
  canCarryOver,
  type Fund,
  type FundLowered,
  foldFund,
  fundStream,
} from '../domain/fund.js';
import { Leases } from './leases.js';
import { type Cause, contested, expected, ledgerEvent } from './recording.js';

export type FundLoweringRefusal = 'point_ledger.fund_not_enough_left' | CarryOverRefusal;

export type LoweringOrder = Omit<FundLowered, 'ownerId' | 'dryRun'>;

/** Each round loses only to another writer of the same fund, who got on by it. */
const ROUNDS_MAX = 50;

/**
 * Lowers a fund, returns what is left of it, or carries it over to a fund of a later year. Carrying over takes two steps on
 * two streams, the second with an id derived from the first: whoever meets a first step without its second takes it.
 */
@Injectable()
export class FundLowerings {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly leases: Leases,
  ) {}

  /** Whether it could be done now. */
  async check(order: LoweringOrder): Promise<Result<Fund, FundLoweringRefusal>> {
    const found = await this.leases.undrawn(order.fundId);
    if (!found || found.undrawnPoints < order.points) return refuse('point_ledger.fund_not_enough_left');
    if (order.toFundId === null) return ok(found.fund);
    const to = foldFund(await this.events(order.toFundId));
    const carried = canCarryOver(found.fund, to, order.points);
    return carried.ok ? ok(found.fund) : carried;
  }

  /** Lowers once for an event id, however often it is asked. Leases are called back only where the rest is not enough. */
  async lower(
    order: LoweringOrder,
    by: { readonly eventId: string; readonly cause: Cause; readonly actor: string },
  ): Promise<Result<{ readonly points: number }, FundLoweringRefusal>> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const events = await this.events(order.fundId);
      const done = events.find((event) => event.id === by.eventId);
      if (done) return this.arrived(done);
      const checked = await this.check(order);
      if (!checked.ok) return checked;
      const fund = foldFund(events);
      if (!fund || fund.unleasedPoints < order.points) {
        await this.leases.bringBack(order.fundId);
        continue;
      }
      const data: FundLowered = { ...order, ownerId: fund.ownerId, dryRun: fund.dryRun };
      const lowered = ledgerEvent(
        { type: 'FundLowered', data },
        {
          id: by.eventId,
          cause: by.cause,
          actor: by.actor,
          effectiveAt: isoTime(this.clock.now()),
          ownerId: fund.ownerId,
        },
      );
      const write = {
        stream: fundStream(order.fundId),
        expectedRevision: expected(events.length - 1),
        events: [lowered],
      };
      await appendSurely(this.log, [{ writes: [write] }]);
    }
    throw contested(`fund ${order.fundId} is leased faster than it can be lowered`);
  }

  /** The second step of a carry-over that was left out, for the sweeper. */
  async repair(fromFundId: string, loweredId: string): Promise<void> {
    const lowered = (await this.events(fromFundId)).find((event) => event.id === loweredId);
    if (lowered) await this.arrived(lowered);
  }

  private async arrived(lowered: RecordedEvent): Promise<Result<{ readonly points: number }, FundLoweringRefusal>> {
    const { toFundId, points } = lowered.data as FundLowered;
    if (toFundId === null) return ok({ points });
    const id = derivedId('FundCommitted', lowered.id);
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const events = await this.events(toFundId);
      if (events.some((event) => event.id === id)) return ok({ points });
      const fund = foldFund(events);
      if (!fund) throw new Error(`fund ${toFundId} is gone`);
      const { fundId, ownerId, name, fiscalYear, budgetCode, dryRun } = fund;
      const data = { fundId, ownerId, name, fiscalYear, budgetCode, dryRun, amountPoints: points };
      const event = ledgerEvent(
        { type: 'FundCommitted', data },
        {
          id,
          cause: { id: lowered.id, correlationId: lowered.correlationId },
          actor: lowered.actor,
          effectiveAt: isoTime(this.clock.now()),
          ownerId,
        },
      );
      const write = { stream: fundStream(toFundId), expectedRevision: expected(events.length - 1), events: [event] };
      await appendSurely(this.log, [{ writes: [write] }]);
    }
    throw contested(`fund ${toFundId} is leased faster than it can be raised`);
  }

  private async events(fundId: string): Promise<readonly RecordedEvent[]> {
    const stream = fundStream(fundId);
    return (await this.log.readStreams([stream])).get(stream) ?? [];
  }
}
