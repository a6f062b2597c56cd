import { Body, Controller, Post } from '@nestjs/common';
import { ApiProperty, ApiTags } from '@nestjs/swagger';
import { isoTime } from '@tsunagu/kernel';
import { Public } from '@tsunagu/service-host';
import { IsObject, IsOptional, Matches } from 'class-validator';
import { Challenges } from '../outbound/challenges.js';

class ChallengeRequest {
  /** What the signature is for, where it is bound to one act. */
  @IsOptional()
  @Matches(/^[a-z][a-z0-9_.-]{0,63}$/)
  purpose?: string;

  @IsOptional()
  @IsObject()
  operation?: Record<string, unknown>;
}

class ChallengeAnswer {
  challengeId: string;
  /** 32 bytes, base64url. */
  nonce: string;
  @ApiProperty({ format: 'date-time' })
  expiresAt: string;
}

@ApiTags('sessions')
@Controller('identity/v1/challenges')
export class ChallengesController {
  constructor(private readonly challenges: Challenges) {}

  /** A nonce for a card to sign. */
  @Post()
  @Public()
  async issue(@Body() body: ChallengeRequest): Promise<ChallengeAnswer> {
    const { challengeId, nonce, expiresAtMs } = await this.challenges.issue(body?.purpose, body?.operation);
    return { challengeId, nonce: nonce.toString('base64url'), expiresAt: isoTime(expiresAtMs) };
  }
}
