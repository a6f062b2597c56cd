import { randomUUID } from 'node:crypto';
import { isoTime } from '@tsunagu/kernel';
import type { Pool } from 'pg';

/** A call that is running holds its key this long; a crashed one can be repeated afterwards (the database's clock). */
const LEASE_SECONDS = 15;
const KEPT_MS = 30 * 24 * 3_600_000;
const DELETE_BATCH = 5_000;

/** What a key was answered with: a handler's value, or a refusal. */
export type StoredAnswer = { readonly value: unknown } | { readonly refusal: unknown };

export type KeyState =
  | { readonly state: 'first'; readonly leaseId: string }
  | { readonly state: 'answered'; readonly status: number; readonly answer: StoredAnswer }
  | { readonly state: 'running' }
  | { readonly state: 'other_body' };

export interface KeyUseRequest {
  readonly scopeHash: Buffer;
  readonly requestHash: Buffer;
  readonly ownerId: string | null;
  readonly nowMs: number;
}

/** Takes a key for a call, or says what has become of the call that took it. A lease that ran out is taken over by the same body only. */
export async function takeKey(
  pool: Pool,
  { scopeHash, requestHash, ownerId, nowMs }: KeyUseRequest,
): Promise<KeyState> {
  const leaseId = randomUUID();
  const taken = await pool.query({
    name: 'take-idempotency-key',
    text: `INSERT INTO idempotency AS held (scope_hash, request_hash, owner_id, started_at, lease_id, leased_until)
           VALUES ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))
           ON CONFLICT (scope_hash) DO UPDATE
             SET lease_id = excluded.lease_id, leased_until = excluded.leased_until
             WHERE held.status IS NULL AND held.leased_until < clock_timestamp()
               AND held.request_hash = excluded.request_hash`,
    values: [scopeHash, requestHash, ownerId, isoTime(nowMs), leaseId, LEASE_SECONDS],
  });
  if (taken.rowCount === 1) return { state: 'first', leaseId };
  const { rows } = await pool.query<{ request_hash: Buffer; status: number | null; answer: string | null }>({
    name: 'read-idempotency-key',
    text: 'SELECT request_hash, status, answer FROM idempotency WHERE scope_hash = $1',
    values: [scopeHash],
  });
  const row = rows[0];
  // Given back between the two statements: the caller may try again at once.
  if (!row) return { state: 'running' };
  if (!row.request_hash.equals(requestHash)) return { state: 'other_body' };
  if (row.status === null || row.answer === null) return { state: 'running' };
  return { state: 'answered', status: row.status, answer: JSON.parse(row.answer) as StoredAnswer };
}

/** Keeps the answer of a call that still holds its key. */
export async function keepAnswer(
  pool: Pool,
  scopeHash: Buffer,
  leaseId: string,
  status: number,
  answer: StoredAnswer,
): Promise<void> {
  await pool.query({
    name: 'keep-idempotent-answer',
    text: 'UPDATE idempotency SET status = $3, answer = $4 WHERE scope_hash = $1 AND lease_id = $2 AND status IS NULL',
    values: [scopeHash, leaseId, status, JSON.stringify(answer)],
  });
}

/** Gives a key back after an answer that is not kept, so that the call can be made again. */
export async function giveBackKey(pool: Pool, scopeHash: Buffer, leaseId: string): Promise<void> {
  await pool.query({
    name: 'give-back-idempotency-key',
    text: 'DELETE FROM idempotency WHERE scope_hash = $1 AND lease_id = $2 AND status IS NULL',
    values: [scopeHash, leaseId],
  });
}

/** Deletes answers older than 30 days, in batches; returns how many. */
export async function forgetOldAnswers(pool: Pool, nowMs: number): Promise<number> {
  let forgotten = 0;
  for (;;) {
    const { rowCount } = await pool.query(
      `DELETE FROM idempotency WHERE scope_hash IN
         (SELECT scope_hash FROM idempotency WHERE started_at < $1 ORDER BY started_at LIMIT ${DELETE_BATCH})`,
      [isoTime(nowMs - KEPT_MS)],
    );
    forgotten += rowCount ?? 0;
    if ((rowCount ?? 0) < DELETE_BATCH) return forgotten;
  }
}
