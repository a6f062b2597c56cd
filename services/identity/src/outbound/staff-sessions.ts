import type { Clock } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import type { StaffMember } from '../domain/staff-member.js';

/** Sessions that one look shows, the newest. */
const shownMax = 100;

export interface StaffSession extends StaffMember {
  readonly sessionId: string;
  readonly tokenId: string;
  readonly subject: string;
  readonly openedAt: Date;
  readonly expiresAt: Date;
}

/** Whose sessions: an owner's, and with a subject that person's alone. */
export interface StaffSessionsOf {
  readonly ownerId: string;
  readonly subject: string | null;
}

const columns = `session_id as "sessionId", token_id as "tokenId", subject, role, owner_id as "ownerId",
  opened_at as "openedAt", expires_at as "expiresAt"`;

/** Which sessions of staff there are. That one was ended is known by its token (SessionEnds). */
export class StaffSessions {
  constructor(
    private readonly database: Pool,
    private readonly clock: Clock,
  ) {}

  async add({ sessionId, ownerId, tokenId, subject, role, openedAt, expiresAt }: StaffSession): Promise<void> {
    await this.database.query(
      `insert into staff_sessions (session_id, owner_id, token_id, subject, role, opened_at, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [sessionId, ownerId, tokenId, subject, role, openedAt, expiresAt],
    );
  }

  /** The open ones, the newest first. */
  async openOf({ ownerId, subject }: StaffSessionsOf): Promise<readonly StaffSession[]> {
    const { rows } = await this.database.query<StaffSession>(
      `select ${columns} from staff_sessions
       where owner_id = $1 and ($2::text is null or subject = $2) and expires_at > $3
         and not exists (select from ended_sessions ended where ended.token_id = staff_sessions.token_id)
       order by opened_at desc, session_id limit ${shownMax}`,
      [ownerId, subject, new Date(this.clock.now())],
    );
    return rows;
  }

  /** One that has not run out by itself, ended or not. */
  async find({ ownerId, subject }: StaffSessionsOf, sessionId: string): Promise<StaffSession | undefined> {
    const { rows } = await this.database.query<StaffSession>(
      `select ${columns} from staff_sessions
       where owner_id = $1 and ($2::text is null or subject = $2) and session_id = $3 and expires_at > $4`,
      [ownerId, subject, sessionId, new Date(this.clock.now())],
    );
    return rows[0];
  }

  async forgetOld(): Promise<void> {
    await this.database.query('delete from staff_sessions where expires_at < $1', [new Date(this.clock.now())]);
  }
}
