import type { Projection } from '@tsunagu/event-store';
import type { FundEvent } from '../domain/fund.js';
import type { LeaseEvent } from '../domain/lease.js';

interface DrawnRow {
  readonly log: number;
  readonly fundId: string;
  readonly points: number;
}

/** Every fund with what is committed and drawn. */
export const fundsProjection: Projection = {
  name: 'funds',
  tables: ['funds', 'fund_draws'],
  types: ['FundCommitted', 'FundLowered', 'FundDrawn'],
  async apply(client, events) {
    const committed: object[] = [];
    const drawn = new Map<string, DrawnRow>();
    const lowered = new Map<string, number>();
    for (const event of events) {
      const { type, data } = event as unknown as FundEvent | LeaseEvent;
      if (type === 'FundCommitted') committed.push({ ...data, position: event.position, createdAt: event.recordedAt });
      if (type === 'FundLowered') lowered.set(data.fundId, (lowered.get(data.fundId) ?? 0) + data.points);
      if (type === 'FundDrawn') {
        const { log } = event;
        const before = drawn.get(`${log} ${data.fundId}`)?.points ?? 0;
        drawn.set(`${log} ${data.fundId}`, { log, fundId: data.fundId, points: before + data.points });
      }
    }
    if (committed.length > 0) await client.query(commit, [JSON.stringify(committed)]);
    if (lowered.size > 0) await client.query(lower, [[...lowered.keys()], [...lowered.values()]]);
    if (drawn.size > 0) await client.query(draw, [JSON.stringify([...drawn.values()])]);
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
    fund_id, owner_id, name, fiscal_year, budget_code, dry_run, committed_points, created_at, position)
  select distinct on (fund_id)
         fund_id, owner_id, name, fiscal_year, budget_code, dry_run, totals.points, created_at, position
    from committed join totals using (fund_id)
   order by fund_id, position
  on conflict (fund_id) do update set committed_points = funds.committed_points + excluded.committed_points`;

const draw = `
  insert into fund_draws (log, fund_id, drawn_points)
  select log, "fundId", points from json_to_recordset($1::json) as drawn (log integer, "fundId" uuid, points bigint)
  on conflict (log, fund_id) do update set drawn_points = fund_draws.drawn_points + excluded.drawn_points`;

const lower = `
  update funds
     set committed_points = funds.committed_points - lowered.points
    from unnest($1::uuid[], $2::bigint[]) as lowered (fund_id, points)
   where funds.fund_id = lowered.fund_id`;
