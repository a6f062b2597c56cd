import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import type { Clock } from '@tsunagu/kernel';
import { type Caller, CLOCK, CorrelationId, CurrentCaller, Roles, valueOrProblem } from '@tsunagu/service-host';
import { type Consent, type ConsentPurpose, type ConsentWay, consentPurposes } from '../domain/consent.js';
import { Consents } from '../workflows/consents.js';
import { Proving } from '../workflows/proving.js';
import { IsProof, ProofBody, signedProof } from './proof-body.js';

class WithdrawalOrder {
  /** At a shared terminal only: purpose `withdraw_consent`, operation `{ purpose }`. */
  @IsProof()
  proof?: ProofBody;
}

class ConsentAnswer {
  @ApiProperty({ enum: consentPurposes })
  purpose: ConsentPurpose;
  @ApiProperty({ enum: ['given', 'withdrawn'] })
  state: 'given' | 'withdrawn';
  /** By letting the card be read, or the login tell. */
  @ApiProperty({ enum: ['card', 'login'] })
  how: ConsentWay;
  @ApiProperty({ format: 'date-time' })
  givenAt: string;
  @ApiPropertyOptional({ format: 'date-time' })
  withdrawnAt?: string;
}

class ConsentList {
  @ApiProperty({ type: [ConsentAnswer] })
  consents: readonly ConsentAnswer[];
}

/** What a person lets be used, shown to the person and withdrawn by them. */
@ApiTags('consents')
@Controller('identity/v1/consents')
export class ConsentsController {
  constructor(
    private readonly consents: Consents,
    private readonly proving: Proving,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get()
  @Roles('citizen')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'The caller’s consents, withdrawn ones too, the newest 100 first' })
  async list(@CurrentCaller() caller: Caller): Promise<ConsentList> {
    return { consents: (await this.consents.list(caller.subject)).map(shown) };
  }

  /** Effective at once: nothing read until now is used any more. The natural key is (person, consent): repeating it changes nothing. */
  @Post(':purpose/withdraw')
  @HttpCode(200)
  @Roles('citizen')
  async withdraw(
    @Param('purpose') purpose: string,
    @Body() body: WithdrawalOrder,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<ConsentAnswer> {
    const act = { purpose: 'withdraw_consent', operation: { purpose } };
    valueOrProblem(await this.proving.atTerminal(signedProof(body?.proof), caller, act));
    const acting = { caller, correlationId, nowMs: this.clock.now() };
    return shown(valueOrProblem(await this.consents.withdraw(caller.subject, purpose, acting)));
  }
}

function shown({ withdrawnAt, ...consent }: Consent): ConsentAnswer {
  return withdrawnAt === null ? { ...consent, state: 'given' } : { ...consent, state: 'withdrawn', withdrawnAt };
}
