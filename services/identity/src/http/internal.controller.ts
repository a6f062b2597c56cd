import { Body, Controller, Get, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import { isJapanDay, type JapanDay } from '@tsunagu/kernel';
import { EVENT_LOG, Problem, Roles } from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsInt,
  IsISO8601,
  IsObject,
  IsOptional,
  IsUUID,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { answerRules, type RuleAnswer } from '../domain/eligibility.js';
import { personStream } from '../domain/person.js';
import { SessionEnds } from '../outbound/session-ends.js';
import { Vault } from '../outbound/vault.js';

class RulesQuestion {
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(150)
  minimumAge?: number;

  @IsOptional()
  @Matches(/^\d{4}-\d{2}-\d{2}$/)
  ageAsOf?: string;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(2_000)
  @Matches(/^\d{1,5}$/, { each: true })
  residencePrefixes?: string[];

  @IsOptional()
  @Matches(/^\d{4}-\d{2}-\d{2}$/)
  residentAsOf?: string;
}

class EligibilityQuestion {
  @IsUUID()
  personId: string;

  @IsObject()
  @ValidateNested()
  @Type(() => RulesQuestion)
  rules: RulesQuestion;

  @IsISO8601()
  at: string;
}

class EndedSessionsQuestion {
  @Type(() => Number)
  @IsInt()
  @Min(0)
  after = 0;

  /** Seconds. */
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(10)
  wait = 0;
}

/** What other services ask. Facts stay here: rules come in, answers go out. */
@ApiExcludeController()
@Controller('identity/internal/v1')
@Roles('service')
export class InternalController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    private readonly vault: Vault,
    private readonly sessionEnds: SessionEnds,
  ) {}

  @Post('eligibility')
  @HttpCode(200)
  async eligibility(@Body() { personId, rules, at }: EligibilityQuestion): Promise<{ answers: readonly RuleAnswer[] }> {
    const days = { ageAsOf: day(rules.ageAsOf, 'ageAsOf'), residentAsOf: day(rules.residentAsOf, 'residentAsOf') };
    const facts = await this.vault.attributes(personId);
    if (!facts) {
      const stream = personStream(personId);
      const events = (await this.log.readStreams([stream])).get(stream) ?? [];
      if (events.length === 0) throw new Problem({ code: 'request.not_found' });
    }
    return { answers: answerRules({ ...rules, ...days }, facts, Date.parse(at)) };
  }

  @Get('ended-sessions')
  endedSessions(@Query() { after, wait }: EndedSessionsQuestion) {
    return this.sessionEnds.after(after, wait * 1_000);
  }
}

function day(text: string | undefined, field: string): JapanDay | undefined {
  if (text === undefined || isJapanDay(text)) return text;
  throw new Problem({
    code: 'request.invalid',
    errors: [{ field: `rules.${field}`, code: 'day', message: 'no such day' }],
  });
}
