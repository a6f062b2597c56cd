import { Body, Controller, Delete, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiProperty, ApiTags } from '@nestjs/swagger';
import { type Clock, isId } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CurrentCaller,
  ENDED_SESSIONS,
  type EndedSessions,
  Problem,
  Roles,
  type SigningKey,
  valueOrProblem,
} from '@tsunagu/service-host';
import { IsString, MaxLength } from 'class-validator';
import { signCitizenToken } from '../citizen-token.js';
import { terminalSessionSeconds } from '../domain/terminal-session.js';
import { TerminalSessions } from '../workflows/terminal-sessions.js';
import { CardProof, CITIZEN_KEY, proofFrom } from './sessions.controller.js';

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
    private readonly sessions: TerminalSessions,
    @Inject(CITIZEN_KEY) private readonly key: SigningKey,
    @Inject(CLOCK) private readonly clock: Clock,
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
    const opened = valueOrProblem(await this.sessions.open(caller, body.challengeId, card, correlationId));
    this.forget(opened.endedTokenIds);
    const { terminalSessionId, terminalId, tokenId, personId, expiresAt } = opened.session;
    const { accessToken } = await signCitizenToken(this.key, personId, this.clock, terminalSessionSeconds, {
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
      ? await this.sessions.end(caller, terminalSessionId, correlationId)
      : undefined;
    if (!ended) throw new Problem({ code: 'request.not_found' });
    this.forget(ended.endedTokenIds);
  }

  /** Here at once; the other services hear of it within moments. */
  private forget(tokenIds: readonly string[]): void {
    for (const tokenId of tokenIds) this.endedSessions.add(tokenId);
  }
}
