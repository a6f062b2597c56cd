import type { Clock } from '@tsunagu/kernel';
import type { Pool, PoolClient } from 'pg';

export const faultModes = [
  'none',
  'reject',
  'timeout',
  'credit_then_drop',
  'pending',
  'error',
  'late',
  'no_return',
] as const;
export type FaultMode = (typeof faultModes)[number];

export interface Faults {
  readonly mode: FaultMode;
  /** 0..1: how many of the credits meet the fault. */
  readonly share: number;
}

export interface CreditOrder {
  readonly exchangeId: string;
  readonly providerAccountRef: string;
  readonly points: number;
  readonly providerPoints: number;
  readonly requestedAt: string;
}

/** `late`: taken in but not yet told nor credited; `arriving`: its absence was told once, so from now on it is there. */
export type CreditState = 'credited' | 'rejected' | 'pending' | 'cancelled' | 'late' | 'arriving';

export interface Credit {
  readonly exchangeId: string;
  readonly state: CreditState;
  readonly providerReference: string | null;
  readonly creditedAt: string | null;
}

/** What a person said on the provider's own page about one link. The first word stands. */
export interface Visit {
  readonly linkId: string;
  readonly codeChallenge: string;
  readonly redirectUri: string;
  /** Null: the person said no. */
  readonly account: string | null;
  readonly code: string;
}

/** The provider's durable memory: each exchangeId for good, whatever became of it. */
export class CreditBook {
  private constructor(
    private readonly pool: Pool,
    private readonly clock: Clock,
  ) {}

  static async open(pool: Pool, clock: Clock): Promise<CreditBook> {
    await pool.query(schema);
    return new CreditBook(pool, clock);
  }

  /** False when this nonce was used before. Kept past the life of any signature. */
  async useNonce(nonce: string): Promise<boolean> {
    await this.pool.query("DELETE FROM sim_pay.nonces WHERE used_at < now() - interval '10 minutes'");
    const { rowCount } = await this.pool.query(
      'INSERT INTO sim_pay.nonces (nonce) VALUES ($1) ON CONFLICT DO NOTHING',
      [nonce],
    );
    return rowCount === 1;
  }

  async faults(): Promise<Faults> {
    const { rows } = await this.pool.query<Faults>('SELECT mode, share FROM sim_pay.faults');
    return rows[0] ?? { mode: 'none', share: 1 };
  }

  async setFaults(faults: Faults): Promise<void> {
    await this.pool.query('UPDATE sim_pay.faults SET mode = $1, share = $2', [faults.mode, faults.share]);
  }

  /**
   * The first order of an exchangeId settles what is kept; a repetition gets what is kept, except that a late one arrives.
   * Undefined when the repetition differs from the first.
   */
  order(order: CreditOrder, first: CreditState): Promise<Credit | undefined> {
    return this.transaction(async (client) => {
      const { rowCount } = await client.query(
        `INSERT INTO sim_pay.credits (exchange_id, account_ref, points, provider_points, state)
         VALUES ($1, $2, $3, $4, 'rejected') ON CONFLICT DO NOTHING`,
        [order.exchangeId, order.providerAccountRef, order.points, order.providerPoints],
      );
      if (rowCount === 1) return this.move(client, order.exchangeId, first);
      const kept = await this.locked(client, order.exchangeId);
      if (kept?.state === 'cancelled') return kept;
      const { rowCount: same } = await client.query(
        `SELECT 1 FROM sim_pay.credits
         WHERE exchange_id = $1 AND account_ref = $2 AND points = $3 AND provider_points = $4`,
        [order.exchangeId, order.providerAccountRef, order.points, order.providerPoints],
      );
      if (same !== 1) return undefined;
      return kept?.state === 'arriving' ? this.move(client, order.exchangeId, 'credited') : kept;
    });
  }

  /** What an inquiry hears; undefined for "not seen so far". Pending ones are credited by it, late ones after their first 404. */
  inquire(exchangeId: string): Promise<Credit | undefined> {
    return this.transaction(async (client) => {
      const kept = await this.locked(client, exchangeId);
      if (kept?.state === 'late') {
        await this.move(client, exchangeId, 'arriving');
        return undefined;
      }
      if (kept?.state === 'pending' || kept?.state === 'arriving') return this.move(client, exchangeId, 'credited');
      return kept;
    });
  }

  /** Cancelled unless credited; an id never seen is refused from now on. */
  cancel(exchangeId: string): Promise<Credit | undefined> {
    return this.transaction(async (client) => {
      await client.query(
        `INSERT INTO sim_pay.credits (exchange_id, account_ref, points, provider_points, state)
         VALUES ($1, '', 0, 0, 'late') ON CONFLICT DO NOTHING`,
        [exchangeId],
      );
      const kept = await this.locked(client, exchangeId);
      return kept?.state === 'credited' ? kept : this.move(client, exchangeId, 'cancelled');
    });
  }

  /** Keeps a visit; the one that is kept is answered. */
  async visit(visit: Visit): Promise<Visit> {
    await this.pool.query(
      `INSERT INTO sim_pay.visits (link_id, code_challenge, redirect_uri, account, code)
       VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
      [visit.linkId, visit.codeChallenge, visit.redirectUri, visit.account, visit.code],
    );
    return (await this.visitOf(visit.linkId)) ?? visit;
  }

  async visitOf(linkId: string): Promise<Visit | undefined> {
    const { rows } = await this.pool.query<Visit>(
      `SELECT link_id AS "linkId", code_challenge AS "codeChallenge", redirect_uri AS "redirectUri", account, code
       FROM sim_pay.visits WHERE link_id = $1`,
      [linkId],
    );
    return rows[0];
  }

  /** Credits in the order in which they were made, after a cursor, and the totals of all. */
  async ledger(
    after: number,
    limit: number,
  ): Promise<{ credits: Record<string, unknown>[]; totals: unknown; last: number }> {
    const { rows } = await this.pool.query<{ sequence: number } & Record<string, unknown>>(
      `SELECT credit_sequence::float8 AS sequence, exchange_id AS "exchangeId", account_ref AS "providerAccountRef",
              points::float8 AS points, provider_points::float8 AS "providerPoints", provider_reference AS "providerReference", credited_at AS "creditedAt"
       FROM sim_pay.credits WHERE credit_sequence > $1 ORDER BY credit_sequence LIMIT $2`,
      [after, limit],
    );
    const totals = await this.pool.query(
      `SELECT count(*)::float8 AS count, coalesce(sum(points), 0)::float8 AS points, coalesce(sum(provider_points), 0)::float8 AS "providerPoints"
       FROM sim_pay.credits WHERE state = 'credited'`,
    );
    const last = rows.at(-1)?.sequence ?? after;
    return { credits: rows.map(({ sequence, ...credit }) => credit), totals: totals.rows[0], last };
  }

  private async move(client: PoolClient, exchangeId: string, state: CreditState): Promise<Credit> {
    const { rows } = await client.query<Credit>(
      `UPDATE sim_pay.credits SET state = $2,
         credit_sequence = CASE WHEN $2 = 'credited' THEN nextval('sim_pay.credit_sequence') END,
         provider_reference = CASE WHEN $2 = 'credited' THEN 'SP' || lpad(currval('sim_pay.credit_sequence')::text, 12, '0') END,
         credited_at = CASE WHEN $2 = 'credited' THEN $3::timestamptz END
       WHERE exchange_id = $1
       RETURNING ${columns}`,
      [exchangeId, state, new Date(this.clock.now())],
    );
    const [moved] = rows;
    if (!moved) throw new Error('a credit that was locked is gone');
    return moved;
  }

  private async locked(client: PoolClient, exchangeId: string): Promise<Credit | undefined> {
    const { rows } = await client.query<Credit>(
      `SELECT ${columns} FROM sim_pay.credits WHERE exchange_id = $1 FOR UPDATE`,
      [exchangeId],
    );
    return rows[0];
  }

  private async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  }
}

const columns = `exchange_id AS "exchangeId", state, provider_reference AS "providerReference",
  to_char(credited_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "creditedAt"`;

const schema = `
CREATE SCHEMA IF NOT EXISTS sim_pay;
CREATE SEQUENCE IF NOT EXISTS sim_pay.credit_sequence;
CREATE TABLE IF NOT EXISTS sim_pay.credits (
  exchange_id text PRIMARY KEY,
  account_ref text NOT NULL,
  points bigint NOT NULL,
  provider_points bigint NOT NULL,
  state text NOT NULL,
  credit_sequence bigint UNIQUE,
  provider_reference text,
  credited_at timestamptz
);
CREATE TABLE IF NOT EXISTS sim_pay.visits (link_id text PRIMARY KEY, code_challenge text NOT NULL, redirect_uri text NOT NULL, account text, code text NOT NULL);
CREATE TABLE IF NOT EXISTS sim_pay.nonces (nonce text PRIMARY KEY, used_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX IF NOT EXISTS nonces_used_at ON sim_pay.nonces (used_at);
CREATE TABLE IF NOT EXISTS sim_pay.faults (one boolean PRIMARY KEY DEFAULT true CHECK (one), mode text NOT NULL, share float8 NOT NULL);
INSERT INTO sim_pay.faults (mode, share) VALUES ('none', 1) ON CONFLICT DO NOTHING;
`;
