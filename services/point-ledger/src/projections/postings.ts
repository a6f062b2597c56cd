import type { Projection } from '@tsunagu/event-store';
import { postingsOf } from '../domain/postings.js';

/** Every movement of points between the accounts of double entry, by effective and by recorded time. */
export const postingsProjection: Projection = {
  name: 'postings',
  tables: ['postings'],
  types: [
    'FundCommitted',
    'FundLowered',
    'PointsGranted',
    'PointsHeld',
    'HoldCaptured',
    'HoldReleased',
    'PointsExpired',
    'GrantReversed',
    'ReceivableRecorded',
    'ReceivableRepaid',
    'ReceivableWrittenOff',
  ],
  async apply(client, events) {
    const rows = events.flatMap((event) =>
      postingsOf(event).map((posting, ordinal) => ({
        log: event.log,
        position: event.position,
        ordinal,
        ...posting,
        effectiveAt: event.effectiveAt,
        recordedAt: event.recordedAt,
      })),
    );
    if (rows.length > 0) await client.query(insert, [JSON.stringify(rows)]);
  },
};

const insert = `
  insert into postings (
    log, position, ordinal, debit_account, credit_account, points, owner_id, fund_id, dry_run, effective_at, recorded_at)
  select log, position, ordinal, "debitAccount", "creditAccount", points, "ownerId", "fundId", "dryRun", "effectiveAt",
         "recordedAt"
    from json_to_recordset($1::json) as posting (
      log integer, position bigint, ordinal smallint, "debitAccount" text, "creditAccount" text, points bigint, "ownerId" text,
      "fundId" uuid, "dryRun" boolean, "effectiveAt" timestamptz, "recordedAt" timestamptz)`;

/** Totals by account as of an effective and a recorded time, for one owner. Parameters: owner, at, recordedAt. */
export const trialBalanceQuery = `
  select account, sum(debit)::text as debit_points, sum(credit)::text as credit_points
    from postings,
         lateral (values (debit_account, points, 0::bigint), (credit_account, 0::bigint, points))
           as side (account, debit, credit)
   where owner_id = $1 and effective_at <= $2 and recorded_at <= $3
   group by account
   order by account`;
