import type { RecordedEvent } from '@tsunagu/event-store';
import type { PoolClient } from 'pg';
import { correctionOf } from '../domain/correction.js';

/** One row a correction, with its pattern and who approved it. */
export async function recordCorrections(client: PoolClient, events: readonly RecordedEvent[]): Promise<void> {
  const rows = events.flatMap((event) => {
    const correction = correctionOf(event);
    const { log, position, effectiveAt, recordedAt, data } = event;
    return correction ? [{ ...(data as object), ...correction, log, position, effectiveAt, recordedAt }] : [];
  });
  if (rows.length > 0) await client.query(insert, [JSON.stringify(rows)]);
}

const insert = `
  insert into corrections (
    log, position, kind, owner_id, fund_id, points, receivable_points, reason_pattern, approved_by, effective_at,
    recorded_at)
  select log, position, kind, "ownerId", "fundId", points, coalesce("receivablePoints", 0), "reasonPattern",
         "approvedBy", "effectiveAt", "recordedAt"
    from json_to_recordset($1::json) as event (
      log smallint, position bigint, kind text, "ownerId" text, "fundId" uuid, points bigint,
      "receivablePoints" bigint, "reasonPattern" text, "approvedBy" text, "effectiveAt" timestamptz,
      "recordedAt" timestamptz)`;
