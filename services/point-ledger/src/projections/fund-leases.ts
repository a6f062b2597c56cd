import type { Projection } from '@tsunagu/event-store';
import type { FundEvent } from '../domain/fund.js';
import type { LeaseEvent } from '../domain/lease.js';

interface LeaseRow {
  readonly lease_id: string;
  readonly step: 'opened' | 'closed';
  readonly changed_at: string;
}

/** The leases that are out, for the sweeper: which step each has reached, and when. Draws do not touch it. */
export const fundLeasesProjection: Projection = {
  name: 'fund-leases',
  tables: ['fund_leases'],
  types: ['FundLeased', 'LeaseOpened', 'LeaseClosed', 'FundReturned'],
  async apply(client, events) {
    const leased: object[] = [];
    const steps = new Map<string, LeaseRow>();
    const returned: string[] = [];
    for (const event of events) {
      const { type, data } = event as unknown as FundEvent | LeaseEvent;
      if (type === 'FundLeased') leased.push({ ...data, ownerId: event.ownerId, changedAt: event.recordedAt });
      if (type === 'LeaseOpened' || type === 'LeaseClosed') {
        const step = type === 'LeaseOpened' ? 'opened' : 'closed';
        steps.set(data.leaseId, { lease_id: data.leaseId, step, changed_at: event.recordedAt });
      }
      if (type === 'FundReturned') returned.push(data.leaseId);
    }
    if (leased.length > 0) await client.query(lease, [JSON.stringify(leased)]);
    if (steps.size > 0) await client.query(move, [JSON.stringify([...steps.values()])]);
    if (returned.length > 0)
      await client.query('delete from fund_leases where lease_id = any ($1::uuid[])', [returned]);
  },
};

const lease = `
  insert into fund_leases (lease_id, fund_id, owner_id, slot, points, step, changed_at)
  select "leaseId", "fundId", "ownerId", slot, points, 'leased', "changedAt"
    from json_to_recordset($1::json) as event (
      "leaseId" uuid, "fundId" uuid, "ownerId" text, slot integer, points bigint, "changedAt" timestamptz)`;

const move = `
  update fund_leases
     set step = moved.step, changed_at = moved.changed_at
    from json_to_recordset($1::json) as moved (lease_id uuid, step text, changed_at timestamptz)
   where fund_leases.lease_id = moved.lease_id`;
