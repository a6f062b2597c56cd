import { inTransaction } from '@tsunagu/event-store';
import { isoTime, type Result } from '@tsunagu/kernel';
import type { Pool, PoolClient } from 'pg';
import { type AttemptLimits, decideAttempt } from '../domain/attempt-limits.js';

export interface CodeAttempt {
  /** Of the link, or whatever else the code is given for: the same attempt twice counts once. */
  readonly attemptId: string;
  /** Keyed hash. */
  readonly accountKey: string;
  readonly personId: string;
  /** Null where the caller's token names no terminal. */
  readonly terminalId: string | null;
}

/** First keys of the advisory locks; always taken in this order, so that no two transactions wait for each other. */
const lockOf = { account: 5_101, person: 5_102, terminal: 5_103 } as const;
type Subject = keyof typeof lockOf;

/** Counts security codes per account, person and terminal, durably and for all processes together. */
export class CodeAttempts {
  constructor(
    private readonly database: Pool,
    private readonly limits: AttemptLimits,
  ) {}

  /** Takes one attempt, to be settled by `right`, `wrong` or `forget`. Refused when the account, the person or the terminal has none left. */
  async take(attempt: CodeAttempt, nowMs: number): Promise<Result<undefined, 'service_link.too_many_attempts'>> {
    const { attemptId, accountKey, personId, terminalId } = attempt;
    return inTransaction(this.database, async (client) => {
      const subjects: [Subject, string][] = [
        ['account', accountKey],
        ['person', personId],
        ...(terminalId === null ? [] : [['terminal', terminalId] satisfies [Subject, string]]),
      ];
      for (const [subject, key] of subjects)
        await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [lockOf[subject], key]);
      const known = await client.query('select 1 from code_attempts where attempt_id = $1', [attemptId]);
      if (known.rowCount === 1) return { ok: true, value: undefined };
      const counted = [];
      for (const [subject, key] of subjects) {
        counted.push({ limit: this.limits[subject], attemptedAt: await this.#counted(client, subject, key, nowMs) });
      }
      const decided = decideAttempt(counted, nowMs);
      if (decided.ok) {
        await client.query(
          `insert into code_attempts (attempt_id, account_key, person_id, terminal_id, attempted_at)
           values ($1, $2, $3, $4, $5)`,
          [attemptId, accountKey, personId, terminalId, isoTime(nowMs)],
        );
      }
      return decided;
    });
  }

  /** The provider said yes: this attempt and the account's earlier ones no longer count for the account. */
  async right(attemptId: string): Promise<void> {
    await this.database.query(
      `with done as (delete from code_attempts where attempt_id = $1 returning account_key)
       update code_attempts set account_cleared = true from done
        where code_attempts.account_key = done.account_key and code_attempts.is_wrong`,
      [attemptId],
    );
  }

  async wrong(attemptId: string): Promise<void> {
    await this.database.query('update code_attempts set is_wrong = true where attempt_id = $1', [attemptId]);
  }

  /** Counts for the person and the terminal alone: who looks for taken accounts is stopped, whose account it is is not. */
  async wrongForPerson(attemptId: string): Promise<void> {
    await this.database.query(
      'update code_attempts set is_wrong = true, account_cleared = true where attempt_id = $1',
      [attemptId],
    );
  }

  /** The provider never told anything about the code. */
  async forget(attemptId: string): Promise<void> {
    await this.database.query('delete from code_attempts where attempt_id = $1 and not is_wrong', [attemptId]);
  }

  /** Deletes what no limit counts any more. */
  async forgetOld(nowMs: number): Promise<void> {
    const windows = Object.values(this.limits).map(({ windowSeconds }) => windowSeconds as number);
    const before = isoTime(nowMs - Math.max(...windows) * 1_000);
    await this.database.query('delete from code_attempts where attempted_at < $1', [before]);
  }

  async #counted(client: PoolClient, subject: Subject, key: string, nowMs: number): Promise<number[]> {
    const { windowSeconds } = this.limits[subject];
    const found = await client.query<{ attempted_at: Date }>(counting[subject], [
      key,
      isoTime(nowMs - windowSeconds * 1_000),
    ]);
    return found.rows.map((row) => row.attempted_at.getTime());
  }
}

const counting: Readonly<Record<Subject, string>> = {
  account: `select attempted_at from code_attempts
    where account_key = $1 and attempted_at > $2 and not account_cleared order by attempted_at`,
  person: 'select attempted_at from code_attempts where person_id = $1 and attempted_at > $2 order by attempted_at',
  terminal: 'select attempted_at from code_attempts where terminal_id = $1 and attempted_at > $2 order by attempted_at',
};
