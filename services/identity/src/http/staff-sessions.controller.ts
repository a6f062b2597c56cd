import { Controller, Delete, Get, HttpCode, Inject, Param } from '@nestjs/common';
import { ApiProperty, ApiTags } from '@nestjs/swagger';
import { isId } from '@tsunagu/kernel';
import { type Caller, CurrentCaller, ENDED_SESSIONS, type EndedSessions, Problem, Roles } from '@tsunagu/service-host';
import { type StaffRole, staffRoles } from '../domain/staff-member.js';
import { SessionEnds } from '../outbound/session-ends.js';
import { StaffSessions, type StaffSessionsOf } from '../outbound/staff-sessions.js';

class StaffSessionAnswer {
  sessionId: string;
  /** Who: as after `staff:` in the log's actors. */
  subject: string;
  @ApiProperty({ enum: staffRoles })
  role: StaffRole;
  @ApiProperty({ format: 'date-time' })
  openedAt: string;
  @ApiProperty({ format: 'date-time' })
  expiresAt: string;
  /** The session that asks. */
  current: boolean;
}

class StaffSessionList {
  @ApiProperty({ type: [StaffSessionAnswer] })
  sessions: readonly StaffSessionAnswer[];
}

/** One's own sessions; an operator sees and ends those of all staff of their owner. */
@ApiTags('staff')
@Controller('identity/v1/staff-sessions')
export class StaffSessionsController {
  constructor(
    private readonly sessions: StaffSessions,
    private readonly sessionEnds: SessionEnds,
    @Inject(ENDED_SESSIONS) private readonly endedSessions: EndedSessions,
  ) {}

  /** The open ones, the newest 100 first. */
  @Get()
  @Roles(...staffRoles)
  async list(@CurrentCaller() caller: Caller): Promise<StaffSessionList> {
    const open = await this.sessions.openOf(seenBy(caller));
    const sessions = open.map(({ sessionId, tokenId, subject, role, openedAt, expiresAt }) => ({
      sessionId,
      subject,
      role,
      openedAt: openedAt.toISOString(),
      expiresAt: expiresAt.toISOString(),
      current: tokenId === caller.tokenId,
    }));
    return { sessions };
  }

  /** Logs out: the token is refused from now on, here at once and by the other services within moments. */
  @Delete('current')
  @Roles(...staffRoles)
  @HttpCode(204)
  async endCurrent(@CurrentCaller() caller: Caller): Promise<void> {
    await this.end(caller.tokenId, caller.expiresAt);
  }

  /** Ends one of them. Repeating it changes nothing. */
  @Delete(':sessionId')
  @Roles(...staffRoles)
  @HttpCode(204)
  async endOne(@Param('sessionId') sessionId: string, @CurrentCaller() caller: Caller): Promise<void> {
    const session = isId(sessionId) ? await this.sessions.find(seenBy(caller), sessionId) : undefined;
    if (!session) throw new Problem({ code: 'request.not_found' });
    await this.end(session.tokenId, session.expiresAt.getTime() / 1_000);
  }

  private async end(tokenId: string, expiresAtSeconds: number): Promise<void> {
    await this.sessionEnds.end(tokenId, expiresAtSeconds);
    this.endedSessions.add(tokenId);
  }
}

function seenBy({ subject, role, ownerId }: Caller): StaffSessionsOf {
  if (ownerId === null) throw new Error('a staff token without an owner');
  return { ownerId, subject: role === 'operator' ? null : subject };
}
