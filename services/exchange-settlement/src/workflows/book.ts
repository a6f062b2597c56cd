import { endOfDay, japanDay, startOfDay, sumPoints } from '@tsunagu/kernel';
import type { Pool, PoolClient } from 'pg';
import type { CarriedItem, LogPosition, SettlementLine } from '../domain/settlement.js';

/** What a close finds, all at one position of the log. */
export interface Book {
  readonly lines: readonly SettlementLine[];
  readonly carried: readonly CarriedItem[];
  readonly carriedOver: { readonly count: number; readonly points: number };
  readonly logPositions: readonly LogPosition[];
}

interface Period {
  readonly ownerId: string;
  readonly providerId: string;
  readonly from: string;
  readonly to: string;
}

/** Reads the exchange book in one snapshot. `head` is a position that the book has reached. */
export async function readBook(database: Pool, period: Period, head: number): Promise<Book> {
  const client = await database.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    const position = await readPosition(client, head);
    const lines = await readLines(client, period);
    const carried = await readCarried(client, period);
    await client.query('commit');
    const carriedOver = { count: carried.length, points: sumPoints(carried.map((item) => item.points)) };
    return { lines, carried, carriedOver, logPositions: position };
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

/** The book may be past `head` by now: then its own position is the one at which the sums hold. */
async function readPosition(client: PoolClient, head: number): Promise<readonly LogPosition[]> {
  const found = await client.query<{ position: number; ledger: number }>(
    'select position::float8 as position, ledger_position::float8 as ledger from book_position',
  );
  const row = found.rows[0];
  return [
    { service: 'exchange-settlement', log: 0, position: Math.max(head, row?.position ?? 0) },
    { service: 'point-ledger', log: 0, position: row?.ledger ?? 0 },
  ];
}

/**
 * Captured, not taken before, and of this period by the day of its confirmation or left over by an earlier close: carried by it, or
 * confirmed in its days but recorded behind its position (stamped a moment before midnight, committed a moment after the close).
 */
async function readLines(client: PoolClient, period: Period): Promise<readonly SettlementLine[]> {
  const found = await client.query<LineRow>(
    `select e.exchange_id, e.accepted_at, e.credited_at, e.confirmed_at, e.provider_reference,
            p.points::float8 as points, p.provider_points::float8 as provider_points,
            c.exchange_id is not null or s.settlement_id is not null as carried_in,
            (select json_agg(json_build_object('fundId', f.fund_id, 'points', f.points) order by f.fund_id)
             from exchange_funds f where f.exchange_id = e.exchange_id and f.owner_id = p.owner_id) as funds
     from exchanges e
     join exchange_parts p on p.exchange_id = e.exchange_id and p.owner_id = $1
     left join settlement_taken t on t.exchange_id = e.exchange_id and t.owner_id = $1
     left join settlement_carried c on c.exchange_id = e.exchange_id and c.owner_id = $1
     left join settlements s on s.owner_id = $1 and s.provider_id = $2
       and (e.confirmed_at at time zone 'Asia/Tokyo')::date between s.from_day and s.to_day
     where e.provider_id = $2 and e.status = 'captured' and t.exchange_id is null
       and (c.exchange_id is not null or s.settlement_id is not null or (e.confirmed_at >= $3 and e.confirmed_at < $4))
     order by e.confirmed_at, e.exchange_id`,
    [period.ownerId, period.providerId, new Date(startOfDay(japanDay(period.from))), endOf(period)],
  );
  return found.rows.map((row) => ({
    exchangeId: row.exchange_id,
    requestedAt: row.accepted_at.toISOString(),
    creditedAt: row.credited_at.toISOString(),
    confirmedAt: row.confirmed_at.toISOString(),
    providerReference: row.provider_reference,
    points: row.points,
    providerPoints: row.provider_points,
    funds: row.funds,
    carriedIn: row.carried_in,
  }));
}

/** Requested on or before the last day and not ended, or not yet captured; of an exchange without a hold yet, all of its points. */
async function readCarried(client: PoolClient, period: Period): Promise<readonly CarriedItem[]> {
  const found = await client.query<{ exchangeId: string; points: number }>(
    `select e.exchange_id as "exchangeId", coalesce(p.points, e.points)::float8 as points
     from exchanges e
     left join exchange_parts p on p.exchange_id = e.exchange_id and p.owner_id = $1
     where e.provider_id = $2 and e.requested_at < $3
       and e.status in ('requested', 'held', 'submitted', 'outcome_unknown', 'under_review', 'confirmed')
       and (p.exchange_id is not null or (e.hold_id is null and $1 = any(e.paying_owner_ids)))
     order by e.requested_at, e.exchange_id`,
    [period.ownerId, period.providerId, endOf(period)],
  );
  return found.rows;
}

function endOf(period: Period): Date {
  return new Date(endOfDay(japanDay(period.to)));
}

interface LineRow {
  readonly exchange_id: string;
  readonly accepted_at: Date;
  readonly credited_at: Date;
  readonly confirmed_at: Date;
  readonly provider_reference: string;
  readonly points: number;
  readonly provider_points: number;
  readonly carried_in: boolean;
  readonly funds: readonly { readonly fundId: string; readonly points: number }[];
}
