import type { Projection } from '@tsunagu/event-store';
import type { FundEvent } from '../domain/fund.js';
import type { LeaseEvent } from '../domain/lease.js';

/** Every fund with what is committed and drawn. */
export const fundsProjection: Projection = {
  name: 'funds',
  tables: ['funds'],
  types: ['FundCommitted', 'FundLowered', 'FundDrawn'],
  async apply(client, events) {
    const committed: object[] = [];
    const drawn = new Map<string, number>();
    const lowered = new Map<string, number>();
    for (const event of events) {
      const { type, data } = event as unknown as FundEvent | LeaseEvent;
      if (type === 'FundCommitted') committed.push({ ...data, position: event.position, createdAt: event.recordedAt });
      if (type === 'FundLowered') lowered.set(data.fundId, (lowered.get(data.fundId) ?? 0) + data.points);
      if (type === 'FundDrawn') drawn.set(data.fundId, (drawn.get(data.fundId) ?? 0) + data.points);
    }
    if (committed.length > 0) await client.query(commit, [JSON.stringify(committed)]);
    if (lowered.size > 0) await client.query(lower, [[...lowered.keys()], [...lowered.values()]]);
    if (drawn.size > 0) await client.query(draw, [[...drawn.keys()], [...drawn.values()]]);
  },
};

// The first commitment of a fund makes its row, the later ones of the same batch or another raise it.
const commit = `
  with committed as (
    select "fundId" as fund_id, "ownerId" as owner_id, name, "fiscalYear" as fiscal_year, "budgetCode" as budget_code,
           "dryRun" as dry_run, "amountPoints" as points, "createdAt" as created_at, position
      from json_to_recordset($1::json) as event (
        "fundId" uuid, "ownerId" text, name text, "fiscalYear" integer, "budgetCode" text, "dryRun" boolean,
        "amountPoints" bigint, "createdAt" timestamptz, position bigint)
  ), totals as (
    select fund_id, sum(points) as points from committed group by fund_id
  )
  insert into funds (
    fund_id, owner_id, name, fiscal_year, budget_code, dry_run, committed_points, drawn_points, created_at, position)
  select distinct on (fund_id)
         fund_id, owner_id, name, fiscal_year, budget_code, dry_run, totals.points, 0, created_at, position
    from committed join totals using (fund_id)
   order by fund_id, position
  on conflict (fund_id) do update set committed_points = funds.committed_points + excluded.committed_points`;

const draw = `
  update funds
     set drawn_points = funds.drawn_points + drawn.points
    from unnest($1::uuid[], $2::bigint[]) as drawn (fund_id, points)
   where funds.fund_id = drawn.fund_id`;

const lower = `
  update funds
     set committed_points = funds.committed_points - lowered.points
    from unnest($1::uuid[], $2::bigint[]) as lowered (fund_id, points)
   where funds.fund_id = lowered.fund_id`;
