import { Body, Controller, Get, HttpCode, Inject, Post, Put } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import type { Clock } from '@tsunagu/kernel';
import { type Caller, CLOCK, CorrelationId, CurrentCaller, Roles, valueOrProblem } from '@tsunagu/service-host';
import { IsOptional, IsString, IsUUID, Length, Matches } from 'class-validator';
import { defaultProgramme } from '../domain/my-key-id.js';
import type { Act } from '../outbound/challenges.js';
import type { Acting } from '../recording.js';
import { MyKeyIds, type MyKeyIdView } from '../workflows/my-key-ids.js';
import { Proving } from '../workflows/proving.js';
import { TerminalSessions } from '../workflows/terminal-sessions.js';
import { IsProof, ProofBody, signedProof } from './proof-body.js';

class ProgrammeChoice {
  @ApiPropertyOptional({ minLength: 1, maxLength: 64, default: defaultProgramme })
  @IsOptional()
  @Matches(/^[\w-]{1,64}$/, { message: 'programmeId must be 1 to 64 letters, digits, - and _' })
  programmeId?: string | null;
}

class MyKeyIdOrder extends ProgrammeChoice {
  /** Left out: the string that the card brings along. */
  @ApiPropertyOptional({ minLength: 1, maxLength: 64 })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  myKeyId?: string;

  /** At a shared terminal only: purpose `register_my_key_id`, operation `{ programmeId, myKeyId }`, as far as given. */
  @IsProof()
  proof?: ProofBody;
}

class ProvisionalMyKeyId extends ProgrammeChoice {
  @IsString()
  @Length(1, 64)
  myKeyId: string;

  /** At a shared terminal only: purpose `reserve_my_key_id`, operation `{ programmeId, myKeyId }`. */
  @IsProof()
  proof?: ProofBody;
}

class MyKeyIdChange extends ProgrammeChoice {
  @IsString()
  @Length(1, 64)
  myKeyId: string;

  /** Purpose `change_my_key_id`, operation `{ programmeId, myKeyId }`. */
  @IsProof()
  proof?: ProofBody;
}

class MyKeyIdConfirmation extends ProgrammeChoice {
  @IsUUID()
  terminalSessionId: string;

  /** Purpose `confirm_my_key_id`, operation `{ programmeId, terminalSessionId }`. */
  @IsProof()
  proof?: ProofBody;
}

class MyKeyIdAnswer {
  programmeId: string;
  @ApiProperty({ type: String, nullable: true })
  myKeyId: string | null;
  @ApiProperty({ enum: ['registered', 'provisional'] })
  state: 'registered' | 'provisional';
  /** When a provisional one lapses. */
  @ApiPropertyOptional({ format: 'date-time' })
  until?: string;
}

class MyKeyIdList {
  @ApiProperty({ type: [MyKeyIdAnswer] })
  myKeyIds: readonly MyKeyIdView[];
}

/** MyKey IDs by programme. The natural key of every write is (person, programme): a repetition changes nothing and needs no key. */
@ApiTags('my-key-ids')
@Controller('identity/v1/my-key-ids')
export class MyKeyIdsController {
  constructor(
    private readonly myKeyIds: MyKeyIds,
    private readonly proving: Proving,
    private readonly terminals: TerminalSessions,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get()
  @Roles('citizen')
  async list(@CurrentCaller() caller: Caller): Promise<MyKeyIdList> {
    return { myKeyIds: await this.myKeyIds.list(caller.subject) };
  }

  /** Full registration by the person's own act. */
  @Post()
  @HttpCode(200)
  @Roles('citizen')
  async register(
    @Body() body: MyKeyIdOrder,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<MyKeyIdAnswer> {
    const programmeId = programmeOf(body);
    const myKeyId = body?.myKeyId;
    const operation = { programmeId, ...(myKeyId !== undefined && { myKeyId }) };
    await this.proveAtTerminal(caller, body?.proof, { purpose: 'register_my_key_id', operation });
    const acting = this.acting(caller, correlationId);
    return valueOrProblem(await this.myKeyIds.register(caller.subject, programmeId, myKeyId, acting));
  }

  /** A chosen string, kept for 30 days until the person confirms it with the card at a counter. */
  @Post('provisional')
  @HttpCode(200)
  @Roles('citizen')
  async provisional(
    @Body() body: ProvisionalMyKeyId,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<MyKeyIdAnswer> {
    const [programmeId, { myKeyId }] = [programmeOf(body), body];
    const act = { purpose: 'reserve_my_key_id', operation: { programmeId, myKeyId } };
    await this.proveAtTerminal(caller, body.proof, act);
    const acting = this.acting(caller, correlationId);
    return valueOrProblem(await this.myKeyIds.provisional(caller.subject, programmeId, myKeyId, acting));
  }

  /** The counter confirms what the person at it has provisionally registered. */
  @Post('confirm')
  @HttpCode(200)
  @Roles('kiosk')
  async confirm(
    @Body() body: MyKeyIdConfirmation,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<MyKeyIdAnswer> {
    const programmeId = programmeOf(body);
    const act = { purpose: 'confirm_my_key_id', operation: { programmeId } };
    const { personId } = valueOrProblem(
      await this.terminals.prove(caller, body.terminalSessionId, signedProof(body.proof), act),
    );
    return valueOrProblem(await this.myKeyIds.confirm(personId, programmeId, this.acting(caller, correlationId)));
  }

  @Put()
  @Roles('citizen')
  async change(
    @Body() body: MyKeyIdChange,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<MyKeyIdAnswer> {
    const [programmeId, { myKeyId }] = [programmeOf(body), body];
    const act = { purpose: 'change_my_key_id', operation: { programmeId, myKeyId } };
    valueOrProblem(await this.proving.signed(signedProof(body.proof), caller.subject, act));
    const acting = this.acting(caller, correlationId);
    return valueOrProblem(await this.myKeyIds.change(caller.subject, programmeId, myKeyId, acting));
  }

  private async proveAtTerminal(caller: Caller, proof: ProofBody | undefined, act: Act): Promise<void> {
    valueOrProblem(await this.proving.atTerminal(signedProof(proof), caller, act));
  }

  private acting(caller: Caller, correlationId: string): Acting {
    return { caller, correlationId, nowMs: this.clock.now() };
  }
}

function programmeOf(body: ProgrammeChoice | undefined): string {
  return body?.programmeId ?? defaultProgramme;
}
