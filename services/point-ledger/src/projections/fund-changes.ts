import type { RecordedEvent } from '@tsunagu/event-store';
import type { PoolClient } from 'pg';

const kinds: Readonly<Record<string, string>> = {
  FundCommitted: 'committed',
  FundLowered: 'lowered',
  FundLeased: 'leased',
  FundReturned: 'returned',
};

/** One row an event of a fund's own stream. Grants and draws are no part of it: a launch adds few rows. */
export async function recordFundChanges(client: PoolClient, events: readonly RecordedEvent[]): Promise<void> {
  const rows = events.flatMap(({ log, position, type, ownerId, effectiveAt, recordedAt, data }) => {
    const kind = kinds[type];
    return kind ? [{ ownerId, ...(data as object), log, position, kind, effectiveAt, recordedAt }] : [];
  });
  if (rows.length > 0) await client.query(insert, [JSON.stringify(rows)]);
}

const insert = `
  insert into fund_changes (
    log, position, fund_id, owner_id, kind, reason, points, name, fiscal_year, budget_code, dry_run, effective_at,
    recorded_at)
  select log, position, "fundId", "ownerId", kind, reason, coalesce("amountPoints", points), name, "fiscalYear",
         "budgetCode", "dryRun", "effectiveAt", "recordedAt"
    from json_to_recordset($1::json) as event (
      log smallint, position bigint, "fundId" uuid, "ownerId" text, kind text, reason text, "amountPoints" bigint,
      points bigint, name text, "fiscalYear" integer, "budgetCode" text, "dryRun" boolean, "effectiveAt" timestamptz,
      "recordedAt" timestamptz)`;
