import { inTransaction } from '@tsunagu/event-store';
import { isoTime, ok, type Result } from '@tsunagu/kernel';
import type { Pool } from 'pg';
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
      await client.query(takeLocks, [accountKey, personId, terminalId]);
      // A statement of its own: it sees what those before recorded whose locks were waited for.
      const counted = await client.query<CountedRow>(countAttempts, [
        attemptId,
        accountKey,
        personId,
        terminalId,
        isoTime(nowMs - longestWindowSeconds(this.limits) * 1_000),
      ]);
      if (counted.rows.some((row) => row.is_known)) return ok(undefined);
      const decided = decideAttempt(
        subjects.map((subject) => ({
          limit: this.limits[subject],
          attemptedAt: counted.rows.filter((row) => row[subject]).map((row) => row.attempted_at.getTime()),
        })),
        nowMs,
      );
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
    const before = isoTime(nowMs - longestWindowSeconds(this.limits) * 1_000);
    await this.database.query('delete from code_attempts where attempted_at < $1', [before]);
  }
}

type Subject = keyof AttemptLimits;
const subjects: readonly Subject[] = ['account', 'person', 'terminal'];

interface CountedRow extends Readonly<Record<Subject, boolean>> {
  readonly attempted_at: Date;
  /** It is this attempt itself, taken before. */
  readonly is_known: boolean;
}

function longestWindowSeconds(limits: AttemptLimits): number {
  return Math.max(...subjects.map((subject) => limits[subject].windowSeconds));
}

/** Always in this order, so that no two transactions wait for each other; null locks nothing. */
const takeLocks = `
  select pg_advisory_xact_lock(5101, hashtext($1)), pg_advisory_xact_lock(5102, hashtext($2)),
         pg_advisory_xact_lock(5103, hashtext($3))`;

/** Which of the three each attempt counts for, oldest first. */
const countAttempts = `
  select attempted_at, attempt_id = $1 as is_known, account_key = $2 and not account_cleared as account,
         person_id = $3 as person, coalesce(terminal_id = $4, false) as terminal
    from code_attempts
   where attempt_id = $1
      or attempted_at > $5 and (account_key = $2 or person_id = $3 or terminal_id = $4)
   order by attempted_at`;
