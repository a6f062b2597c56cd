import { Body, Controller, Delete, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiProperty, ApiTags } from '@nestjs/swagger';
import { isId } from '@tsunagu/kernel';
import {
  type Caller,
  CorrelationId,
  CurrentCaller,
  ENDED_SESSIONS,
  type EndedSessions,
  Problem,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { IsString, MaxLength } from 'class-validator';
import { terminalSessionSeconds } from '../domain/terminal-session.js';
import { Sessions } from '../workflows/sessions.js';
import { TerminalSessions } from '../workflows/terminal-sessions.js';
import { CardProof, proofFrom } from './sessions.controller.js';

class Tap extends CardProof {
  /** Asked for with purpose `terminal_session` and operation `{ terminalId }`: the subject of the terminal's own token. */
  @IsString()
  @MaxLength(100)
  challengeId: string;
}

class TapPerson {
  personId: string;
  myKeyId: string | null;
}

class TapAnswer {
  terminalSessionId: string;
  /** The person's, for this terminal: role citizen, ends with the session. */
  accessToken: string;
  tokenType: 'Bearer';
  @ApiProperty({ format: 'date-time' })
  expiresAt: string;
  person: TapPerson;
}

/** Sessions at counters and kiosks: bound to one card tap and one terminal, two minutes, ended by the next tap. */
@ApiTags('counter')
@Controller('identity/v1/terminal-sessions')
export class TerminalSessionsController {
  constructor(
    private readonly terminalSessions: TerminalSessions,
    private readonly sessions: Sessions,
    @Inject(ENDED_SESSIONS) private readonly endedSessions: EndedSessions,
  ) {}

  /** A card was tapped and its PIN typed. The session that was open at this terminal ends. */
  @Post()
  @Roles('kiosk')
  async open(
    @Body() body: Tap,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<TapAnswer> {
    if (!isId(body.challengeId)) throw new Problem({ code: 'identity.challenge_expired' });
    const card = proofFrom(body, 'certificate');
    const opened = valueOrProblem(await this.terminalSessions.open(caller, body.challengeId, card, correlationId));
    this.forget(opened.endedTokenIds);
    const { terminalSessionId, terminalId, tokenId, personId, expiresAt } = opened.session;
    const seconds = terminalSessionSeconds;
    const { accessToken } = await this.sessions.open(personId, 'terminal', correlationId, {
      seconds,
      tokenId,
      terminalId,
    });
    return { terminalSessionId, accessToken, tokenType: 'Bearer', expiresAt, person: opened.person };
  }

  /** The card was taken away. Repeating it changes nothing. */
  @Delete(':terminalSessionId')
  @Roles('kiosk')
  @HttpCode(204)
  async end(
    @Param('terminalSessionId') terminalSessionId: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<void> {
    const ended = isId(terminalSessionId)
      ? await this.terminalSessions.end(caller, terminalSessionId, correlationId)
      : undefined;
    if (!ended) throw new Problem({ code: 'request.not_found' });
    this.forget(ended.endedTokenIds);
  }

  /** Here at once; the other services hear of it within moments. */
  private forget(tokenIds: readonly string[]): void {
    for (const tokenId of tokenIds) this.endedSessions.add(tokenId);
  }
}
