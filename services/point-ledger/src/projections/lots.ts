import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { JapanDay } from '@tsunagu/kernel';
import type { Pool, PoolClient } from 'pg';
import { type LotChange, lotChangesOf, lotChangeTypes } from '../domain/lot-changes.js';

/** Every lot with what is left of it, for expiry, reminders and forecasts; and the sums by day of expiry. */
export const lotsProjection: Projection = {
  name: 'lots',
  tables: ['lots', 'expiring_points'],
  types: ['PointsGranted', ...lotChangeTypes],
  async apply(client, events) {
    const granted = events
      .filter(({ type }) => type === 'PointsGranted')
      .map(({ log, data }) => ({ log, ...(data as object) }));
    if (granted.length > 0) await client.query(insert, [JSON.stringify(granted)]);
    await change(client, events);
  },
};

/** One row a lot, however often the batch moves it; the last new expiry counts. */
async function change(client: PoolClient, events: readonly RecordedEvent[]): Promise<void> {
  const byLot = new Map<string, LotChange & { readonly moved: boolean }>();
  for (const next of events.flatMap(lotChangesOf)) {
    const sofar = byLot.get(next.lotId);
    byLot.set(next.lotId, {
      ...sofar,
      ...next,
      availablePoints: (sofar?.availablePoints ?? 0) + next.availablePoints,
      heldPoints: (sofar?.heldPoints ?? 0) + next.heldPoints,
      moved: (sofar?.moved ?? false) || next.expiresAt !== undefined,
    });
  }
  if (byLot.size === 0) return;
  const { rows } = await client.query<{ changed: number }>(update, [JSON.stringify([...byLot.values()])]);
  if (rows[0]?.changed !== byLot.size) throw new Error('an event changes a lot that was never granted');
  // A day that only some cuts of the log into batches pass through leaves no row: a fresh fold gives the same rows.
  // Of this log only: the rows of another are locked by its own transactions.
  await client.query(forgetEmptyDays, [events[0]?.log]);
}

const forgetEmptyDays = 'delete from expiring_points where log = $1 and available_points = 0 and held_points = 0';

/** The last day on which points can be used: expiresAt is the first instant at which they cannot. */
const expiresOn = (expiresAt: string) =>
  `coalesce(((${expiresAt} - interval '1 microsecond') at time zone 'Asia/Tokyo')::date, 'infinity')`;

/** Adds the parts named before to the sums by day. */
const addToDays = `
  insert into expiring_points (log, owner_id, fund_id, dry_run, expires_on, available_points, held_points)
  select log, owner_id, fund_id, dry_run, ${expiresOn('expires_at')}, sum(available_points), sum(held_points)
    from parts
   group by 1, 2, 3, 4, 5
  on conflict (log, owner_id, fund_id, dry_run, expires_on) do update
     set available_points = expiring_points.available_points + excluded.available_points,
         held_points = expiring_points.held_points + excluded.held_points`;

const insert = `
  with parts as (
    insert into lots (
      log, lot_id, person_id, owner_id, fund_id, campaign_id, measure_id, batch_id, legal_class, granted_at, expires_at,
      available_points, held_points, dry_run)
    select log, "lotId", "personId", "ownerId", "fundId", "campaignId", "measureId", "batchId", "legalClass", "grantedAt",
           "expiresAt", "amountPoints", 0, "dryRun"
      from json_to_recordset($1::json) as event (
        log smallint, "lotId" uuid, "personId" uuid, "ownerId" text, "fundId" uuid, "campaignId" uuid, "measureId" uuid,
        "batchId" uuid, "legalClass" text, "grantedAt" timestamptz, "expiresAt" timestamptz, "amountPoints" bigint,
        "dryRun" boolean)
    returning *
  )
  ${addToDays}`;

const update = `
  with changed as (
    update lots
       set available_points = lots.available_points + change."availablePoints",
           held_points = lots.held_points + change."heldPoints",
           expires_at = case when change.moved then change."expiresAt" else lots.expires_at end
      from json_to_recordset($1::json) as change (
        "lotId" uuid, "availablePoints" bigint, "heldPoints" bigint, moved boolean, "expiresAt" timestamptz)
     where lots.lot_id = change."lotId"
    returning lots.log, lots.owner_id, lots.fund_id, lots.dry_run,
              old.expires_at as expires_at_before, old.available_points as available_before, old.held_points as held_before,
              new.expires_at, new.available_points, new.held_points
  ), parts as (
    select log, owner_id, fund_id, dry_run, expires_at, available_points, held_points from changed
    union all
    select log, owner_id, fund_id, dry_run, expires_at_before, -available_before, -held_before from changed
  ), days as (
    ${addToDays}
  )
  select count(*)::integer as changed from changed`;

export interface ExpiringDay {
  readonly fundId: string;
  readonly dryRun: boolean;
  /** The last day in Japan on which the points can be used; null for those that never expire. */
  readonly expiresOn: JapanDay | null;
  readonly availablePoints: number;
  readonly heldPoints: number;
}

/** What is left of an owner's lots by the day of their expiry, fund by fund. */
export async function expiringDays(database: Pool, ownerId: string, fundId?: string): Promise<readonly ExpiringDay[]> {
  const { rows } = await database.query<ExpiringDay & { availablePoints: string; heldPoints: string }>(expiring, [
    ownerId,
    fundId ?? null,
  ]);
  return rows.map((row) => ({
    ...row,
    availablePoints: Number(row.availablePoints),
    heldPoints: Number(row.heldPoints),
  }));
}

const expiring = `
  select fund_id as "fundId", dry_run as "dryRun", to_char(nullif(expires_on, 'infinity'), 'YYYY-MM-DD') as "expiresOn",
         sum(available_points)::text as "availablePoints", sum(held_points)::text as "heldPoints"
    from expiring_points
   where owner_id = $1 and ($2::uuid is null or fund_id = $2)
   group by fund_id, dry_run, expires_on
   order by fund_id, dry_run, expires_on`;
