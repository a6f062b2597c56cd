import { EventEmitter, once } from 'node:events';
import type { OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '@tsunagu/kernel';
import type { Pool } from 'pg';

/** Other processes of this service end sessions too: the table is looked at so often. */
const pollMs = 250;
const batchMax = 10_000;
/** Sessions that one look at one's own shows, the newest. */
const shownMax = 100;

export type SessionWay = 'card' | 'login' | 'terminal';

export interface BegunSession {
  readonly tokenId: string;
  readonly personId: string;
  readonly openedAtMs: number;
  readonly expiresAtMs: number;
  readonly how: SessionWay;
  readonly terminalId?: string | undefined;
}

/** `openedAt` and `how` are null of a session from before they were kept. */
export interface ListedSession {
  readonly sessionId: string;
  readonly tokenId: string;
  readonly openedAt: Date | null;
  readonly expiresAt: Date;
  readonly how: SessionWay | null;
  readonly terminalId: string | null;
}

/** Tokens ended before their time, numbered in the order in which that became visible. */
export class SessionEnds implements OnModuleDestroy {
  private readonly here = new EventEmitter().setMaxListeners(0);
  private stopping = false;

  constructor(
    private readonly database: Pool,
    private readonly clock: Clock,
  ) {}

  /** Before a token is handed out: whose it is, so that all of a person's can be ended. */
  async begin({ tokenId, personId, openedAtMs, expiresAtMs, how, terminalId }: BegunSession): Promise<void> {
    await this.database.query(
      `insert into sessions (token_id, person_id, opened_at, expires_at, how, terminal_id)
       values ($1, $2, $3, $4, $5, $6)`,
      [tokenId, personId, new Date(openedAtMs), new Date(expiresAtMs), how, terminalId ?? null],
    );
  }

  /** The open sessions of a person, by all the ids that mean them; the newest first. */
  async openOf(personIds: readonly string[]): Promise<readonly ListedSession[]> {
    const { rows } = await this.database.query<ListedSession>(
      `select session_id as "sessionId", token_id as "tokenId", opened_at as "openedAt", expires_at as "expiresAt", how,
              terminal_id as "terminalId"
       from sessions
       where person_id = any($1) and expires_at > $2
         and not exists (select from ended_sessions ended where ended.token_id = sessions.token_id)
       order by opened_at desc nulls last, session_id limit ${shownMax}`,
      [personIds, new Date(this.clock.now())],
    );
    return rows;
  }

  /** By which way an open session came in; undefined for one that was ended, or is not listed. */
  async wayOf(tokenId: string): Promise<SessionWay | undefined> {
    const { rows } = await this.database.query<{ how: SessionWay | null }>(
      `select how from sessions where token_id = $1 and expires_at > $2
         and not exists (select from ended_sessions ended where ended.token_id = sessions.token_id)`,
      [tokenId, new Date(this.clock.now())],
    );
    return rows[0]?.how ?? undefined;
  }

  /** Ends one of a person's sessions, or with `sessionId` null all but the one of `keptTokenId`. Gives the tokens, ended now or before. */
  async endOwn(
    personIds: readonly string[],
    { sessionId, keptTokenId }: { readonly sessionId: string | null; readonly keptTokenId: string | null },
  ): Promise<readonly string[]> {
    const { rows } = await this.database.query<{ token_id: string }>(
      `select token_id, end_session(token_id, expires_at) from sessions
       where person_id = any($1) and expires_at > $2
         and ($3::uuid is null or session_id = $3) and token_id is distinct from $4`,
      [personIds, new Date(this.clock.now()), sessionId, keptTokenId],
    );
    this.here.emit('ended');
    return rows.map((row) => row.token_id);
  }

  /** Ends every session of a person. */
  async endOfPerson(personId: string): Promise<void> {
    await this.database.query(
      'select end_session(token_id, expires_at) from sessions where person_id = $1 and expires_at > $2',
      [personId, new Date(this.clock.now())],
    );
    this.here.emit('ended');
  }

  async end(tokenId: string, expiresAtSeconds: number): Promise<void> {
    await this.database.query('select end_session($1, $2)', [tokenId, new Date(expiresAtSeconds * 1_000)]);
    this.here.emit('ended');
  }

  /** The ends after a number, waited for up to so long (real time). Tokens that have run out by themselves are left out. */
  async after(after: number, waitMs: number): Promise<{ through: number; tokenIds: readonly string[] }> {
    const until = Date.now() + waitMs;
    for (;;) {
      const { rows } = await this.database.query<{ sequence: number; token_id: string; expires_at: Date }>(
        `select sequence::float8 as sequence, token_id, expires_at from ended_sessions
         where sequence > $1 order by sequence limit $2`,
        [after, batchMax],
      );
      const through = rows.at(-1)?.sequence ?? after;
      if (rows.length > 0 || this.stopping || Date.now() >= until) {
        const now = this.clock.now();
        return { through, tokenIds: rows.filter((row) => row.expires_at.getTime() > now).map((row) => row.token_id) };
      }
      const pause = AbortSignal.timeout(Math.max(1, Math.min(pollMs, until - Date.now())));
      await once(this.here, 'ended', { signal: pause }).catch(() => undefined);
    }
  }

  /** Questions held open are answered with what is known, before the connections go. */
  onModuleDestroy(): void {
    this.stopping = true;
    this.here.emit('ended');
  }

  async forgetOld(): Promise<void> {
    const now = new Date(this.clock.now());
    await this.database.query('delete from ended_sessions where expires_at < $1', [now]);
    await this.database.query('delete from sessions where expires_at < $1', [now]);
  }
}
