import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { PoolClient } from 'pg';

/** What an event of an account changes on one of its lots. */
export interface LotChange {
  readonly lotId: string;
  readonly availablePoints: number;
  readonly heldPoints: number;
  /** A new expiry, where it gives one; null is none. */
  readonly expiresAt?: string | null;
}

interface Part {
  readonly lotId: string;
  readonly points: number;
}

/** Every lot with what is left of it, for expiry, reminders and forecasts; and the sums by day of expiry. */
export const lotsProjection: Projection = {
  name: 'lots',
  tables: ['lots', 'expiring_points'],
  types: [
    'PointsGranted',
    'PointsHeld',
    'HoldCaptured',
    'HoldReleased',
    'PointsExpired',
    'GrantReversed',
    'ReceivableRepaid',
    'LotExtended',
  ],
  async apply(client, events) {
    const granted = events
      .filter(({ type }) => type === 'PointsGranted')
      .map(({ log, data }) => ({ log, ...(data as object) }));
    if (granted.length > 0) await client.query(insert, [JSON.stringify(granted)]);
    await change(client, events);
  },
};

/** The changes of an event on lots that exist; none for a grant, which makes one. */
export function lotChangesOf({ type, data }: { readonly type: string; readonly data: unknown }): readonly LotChange[] {
  switch (type) {
    case 'PointsHeld':
      return partsOf(data).map(({ lotId, points }) => ({ lotId, availablePoints: -points, heldPoints: points }));
    case 'HoldReleased':
      return partsOf(data).map(({ lotId, points }) => ({ lotId, availablePoints: points, heldPoints: -points }));
    case 'HoldCaptured':
      return partsOf(data).map(({ lotId, points }) => ({ lotId, availablePoints: 0, heldPoints: -points }));
    case 'PointsExpired':
    case 'GrantReversed': {
      const { lotId, points } = data as Part;
      return [{ lotId, availablePoints: -points, heldPoints: 0 }];
    }
    case 'ReceivableRepaid': {
      const { payingLotId, points } = data as { readonly payingLotId: string; readonly points: number };
      return [{ lotId: payingLotId, availablePoints: -points, heldPoints: 0 }];
    }
    case 'LotExtended': {
      const { lotId, expiresAt } = data as { readonly lotId: string; readonly expiresAt: string | null };
      return [{ lotId, availablePoints: 0, heldPoints: 0, expiresAt }];
    }
    default:
      return [];
  }
}

function partsOf(data: unknown): readonly Part[] {
  return (data as { readonly lots: readonly Part[] }).lots;
}

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
  await client.query('delete from expiring_points where available_points = 0 and held_points = 0');
}

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
