import type { Projection } from '@tsunagu/event-store';
import type { FundEvent } from '../domain/fund.js';
import type { LeaseEvent } from '../domain/lease.js';

/** One event's part in a lease's row. What it does not say is null. */
interface LeaseStep {
  readonly leaseId: string;
  readonly fundId: string;
  readonly ownerId: string | null;
  readonly slot: number | null;
  readonly points: number | null;
  readonly step: 'leased' | 'opened' | 'closed';
  readonly isReturned: boolean;
  readonly changedAt: string;
}

/**
 * The leases that are out, for the sweeper: which step each has reached, and when. Draws do not touch it. The two ends of
 * a lease may lie in different logs, which are folded in any order: every step only adds to the row.
 */
export const fundLeasesProjection: Projection = {
  name: 'fund-leases',
  tables: ['fund_leases'],
  types: ['FundLeased', 'LeaseOpened', 'LeaseClosed', 'FundReturned'],
  async apply(client, events) {
    const steps = new Map<string, LeaseStep>();
    for (const event of events) {
      const { type, data } = event as unknown as FundEvent | LeaseEvent;
      if (type === 'FundCommitted' || type === 'FundLowered' || type === 'FundDrawn') continue;
      const part = {
        leaseId: data.leaseId,
        fundId: data.fundId,
        ownerId: event.ownerId,
        slot: type === 'FundLeased' ? data.slot : null,
        points: type === 'FundLeased' ? data.points : null,
        step: stepOf[type],
        isReturned: type === 'FundReturned',
        changedAt: event.recordedAt,
      };
      steps.set(data.leaseId, joined(steps.get(data.leaseId), part));
    }
    if (steps.size === 0) return;
    await client.query(add, [JSON.stringify([...steps.values()])]);
    await client.query(drop, [[...steps.keys()]]);
  },
};

const stepOf = { FundLeased: 'leased', FundReturned: 'leased', LeaseOpened: 'opened', LeaseClosed: 'closed' } as const;
const steps = ['leased', 'opened', 'closed'] as const;

function joined(a: LeaseStep | undefined, b: LeaseStep): LeaseStep {
  if (!a) return b;
  return {
    ...a,
    slot: a.slot ?? b.slot,
    points: a.points ?? b.points,
    step: steps[Math.max(steps.indexOf(a.step), steps.indexOf(b.step))] ?? a.step,
    isReturned: a.isReturned || b.isReturned,
    // Within a log, times never go back.
    changedAt: b.changedAt,
  };
}

const add = `
  insert into fund_leases as known (lease_id, fund_id, owner_id, slot, points, step, is_returned, changed_at)
  select "leaseId", "fundId", "ownerId", slot, points, step, "isReturned", "changedAt"
    from json_to_recordset($1::json) as event (
      "leaseId" uuid, "fundId" uuid, "ownerId" text, slot integer, points bigint, step text, "isReturned" boolean,
      "changedAt" timestamptz)
   order by "leaseId"
  on conflict (lease_id) do update set
    slot = coalesce(known.slot, excluded.slot),
    points = coalesce(known.points, excluded.points),
    step = case
             when 'closed' in (known.step, excluded.step) then 'closed'
             when 'opened' in (known.step, excluded.step) then 'opened'
             else 'leased'
           end,
    is_returned = known.is_returned or excluded.is_returned,
    changed_at = greatest(known.changed_at, excluded.changed_at)`;

const drop = `
  delete from fund_leases where lease_id = any ($1::uuid[]) and is_returned and step = 'closed'`;
