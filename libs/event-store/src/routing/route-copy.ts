import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../postgres/transaction.js';

/** One entry of the routing table as it was proposed, and confirmed if it was. Times are ISO 8601, UTC. */
export interface CopiedEntry {
  readonly version: number;
  readonly validFrom: string;
  readonly logs: readonly number[];
  readonly proposedAt: string;
  readonly proposedBy: string;
  readonly confirmedAt: string | null;
}

/** The routing table of a ledger, for a copy of all its logs: without it nobody knows where an account lies. */
export interface RouteCopy {
  readonly horizon: string;
  readonly entries: readonly CopiedEntry[];
}

/** Read after the logs: then it has every entry by which a key in them was routed. */
export async function copyRoutes(pool: Pool | PoolClient): Promise<RouteCopy> {
  const { rows } = await pool.query<{ horizon: Date; entries: CopiedEntry[] | null }>(
    `select horizon, (
       select json_agg(json_build_object(
                'version', version, 'validFrom', ${isoText('valid_from')}, 'logs', logs,
                'proposedAt', ${isoText('proposed_at')}, 'proposedBy', proposed_by,
                'confirmedAt', ${isoText('confirmed_at')}) order by version)
         from log_routes left join log_route_confirmations using (version)) as entries
       from log_route_horizon`,
  );
  const [row] = rows;
  if (!row) throw new Error('the routing tables are not there');
  return { horizon: row.horizon.toISOString(), entries: row.entries ?? [] };
}

/** Puts the table of a copied ledger where there is none yet. Rejects where there is one. */
export async function restoreRoutes(pool: Pool, { horizon, entries }: RouteCopy): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query('select from log_route_horizon for update');
    for (const { version, validFrom, logs, proposedAt, proposedBy, confirmedAt } of entries) {
      const values = [version, validFrom, logs, proposedAt, proposedBy];
      await client.query('insert into log_routes values ($1, $2, $3, $4, $5)', values);
      if (confirmedAt !== null)
        await client.query('insert into log_route_confirmations values ($1, $2)', [version, confirmedAt]);
    }
    await client.query('update log_route_horizon set horizon = greatest(horizon, $1)', [horizon]);
  });
}

function isoText(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
