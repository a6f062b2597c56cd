import { Body, Controller, Inject, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { correctionPatterns } from '@tsunagu/contracts';
import { isoTime } from '@tsunagu/kernel';
import {
  type Caller,
  CONFIG,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  Idempotent,
  PARTS,
  Problem,
  Roles,
  type ServiceParts,
  valueOrProblem,
} from '@tsunagu/service-host';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Matches, Max, MaxLength, Min } from 'class-validator';
import type { LedgerConfig } from '../config.js';
import { commitmentPointsMax, type FundLoweringReason, fundLoweringReasons } from '../domain/fund.js';
import type { Change } from '../domain/proposal.js';
import { Leases } from '../workflows/leases.js';
import { Proposals } from '../workflows/proposals.js';
import { idFromPath, instantOf, ownerOf } from './formats.js';
import { proposalAnswer } from './proposals.controller.js';

type Pattern<K extends keyof typeof correctionPatterns> = keyof (typeof correctionPatterns)[K];
const patternsOf = <K extends keyof typeof correctionPatterns>(kind: K) =>
  Object.keys(correctionPatterns[kind]) as Pattern<K>[];

/** A reference into the owner's own files, never the facts themselves; twelve digits alone could be a My Number. */
const evidenceFormat = /^(?!\d{12}$)[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$/;
const evidenceMessage = 'evidence must be a reference of 1 to 100 of A-Z, a-z, 0-9 and . _ : / -';

class WithEvidence {
  @ApiProperty({ maxLength: 100, description: "Reference into the owner's own files; no personal data" })
  @Matches(evidenceFormat, { message: evidenceMessage })
  evidence: string;
}

class NewReversal extends WithEvidence {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  accountId: string;

  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  lotId: string;

  @ApiProperty({ enum: patternsOf('reversal') })
  @IsIn(patternsOf('reversal'))
  reasonPattern: Pattern<'reversal'>;
}

class NewWriteOff extends WithEvidence {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  accountId: string;

  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  receivableId: string;

  @ApiProperty({ enum: patternsOf('writeOff') })
  @IsIn(patternsOf('writeOff'))
  reasonPattern: Pattern<'writeOff'>;
}

class NewExtension extends WithEvidence {
  @ApiPropertyOptional({ format: 'uuid', description: 'Lots of this campaign; it or fundId must be named' })
  @IsOptional()
  @IsUUID()
  campaignId?: string | null;

  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  fundId?: string | null;

  @ApiProperty({ format: 'date-time', description: 'Lots whose term ends at or after this time' })
  @IsString()
  @MaxLength(40)
  expiresFrom: string;

  @ApiProperty({ format: 'date-time', description: 'and before this one' })
  @IsString()
  @MaxLength(40)
  expiresBefore: string;

  @ApiProperty({ format: 'date-time' })
  @IsString()
  @MaxLength(40)
  newExpiresAt: string;

  @ApiProperty({ enum: patternsOf('extension') })
  @IsIn(patternsOf('extension'))
  reasonPattern: Pattern<'extension'>;
}

class NewLowering {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Default: all that is not drawn' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(commitmentPointsMax)
  amountPoints?: number | null;

  @ApiProperty({ enum: fundLoweringReasons })
  @IsIn(fundLoweringReasons)
  reason: FundLoweringReason;

  @ApiPropertyOptional({ format: 'uuid', description: 'With carried_over: the fund of a later fiscal year' })
  @IsOptional()
  @IsUUID()
  toFundId?: string | null;
}

/** Changes of points that a second person approves (proposals.controller.ts). */
@ApiTags('changes')
@Controller('point-ledger/v1')
export class ChangesController {
  constructor(
    private readonly proposals: Proposals,
    private readonly leases: Leases,
    @Inject(CONFIG) private readonly config: LedgerConfig,
    @Inject(PARTS) private readonly parts: ServiceParts,
  ) {}

  @Post('reversals')
  @Roles('operator')
  @Idempotent()
  @ApiOperation({ summary: 'Proposes to take a grant back' })
  async reverse(
    @CurrentCaller() caller: Caller,
    @CreatedId() proposalId: string,
    @CorrelationId() correlationId: string,
    @Body() { accountId: personId, lotId, reasonPattern, evidence }: NewReversal,
  ) {
    const change = { kind: 'reversal' as const, personId, lotId, reasonPattern, evidence };
    return proposalAnswer(await this.propose(change, proposalId, caller, correlationId));
  }

  @Post('write-offs')
  @Roles('operator', 'finance')
  @Idempotent()
  @ApiOperation({ summary: 'Proposes to give up what is open of a receivable' })
  async writeOff(
    @CurrentCaller() caller: Caller,
    @CreatedId() proposalId: string,
    @CorrelationId() correlationId: string,
    @Body() { accountId: personId, receivableId, reasonPattern, evidence }: NewWriteOff,
  ) {
    const change = { kind: 'write_off' as const, personId, receivableId, reasonPattern, evidence };
    return proposalAnswer(await this.propose(change, proposalId, caller, correlationId));
  }

  @Post('extensions')
  @Roles('operator')
  @Idempotent()
  @ApiOperation({ summary: 'Proposes to let lots of a campaign or a fund end later' })
  async extend(
    @CurrentCaller() caller: Caller,
    @CreatedId() proposalId: string,
    @CorrelationId() correlationId: string,
    @Body() body: NewExtension,
  ) {
    const change = { kind: 'extension' as const, ...extensionOf(body) };
    return proposalAnswer(await this.propose(change, proposalId, caller, correlationId));
  }

  @Post('funds/:fundId/lowerings')
  @Roles('operator')
  @Idempotent()
  @ApiOperation({
    summary: 'Lowers a fund, returns what is left of it, or carries it over; proposes it where approvals are on',
  })
  async lower(
    @CurrentCaller() caller: Caller,
    @Param('fundId') id: string,
    @CreatedId() proposalId: string,
    @CorrelationId() correlationId: string,
    @Body() { amountPoints, reason, toFundId }: NewLowering,
  ) {
    const fundId = idFromPath(id);
    const found = await this.leases.undrawn(fundId);
    if (found?.fund.ownerId !== ownerOf(caller)) throw new Problem({ code: 'request.not_found' });
    if ((reason === 'carried_over') !== (toFundId != null))
      throw invalid('toFundId', 'toFundId is needed with reason carried_over, and only there');
    const points = amountPoints ?? found.undrawnPoints;
    const known = points === 0 ? await this.proposals.find(proposalId) : undefined;
    if (points === 0 && !known) throw new Problem({ code: 'point_ledger.fund_not_enough_left' });
    const change = { kind: 'fund_lowering' as const, fundId, points, reason, toFundId: toFundId ?? null };
    const proposed = await this.propose(change, proposalId, caller, correlationId);
    if (this.needsSecondPerson || proposed.state !== 'proposed') return proposalAnswer(proposed);
    const by = { actor: caller.actor, correlationId, needsSecondPerson: false };
    return proposalAnswer(valueOrProblem(await this.proposals.judge(proposalId, 'approve', by)));
  }

  private get needsSecondPerson(): boolean {
    const { approvals } = this.config;
    return approvals === 'by_profile' ? this.parts.profile === 'production' : approvals === 'on';
  }

  private async propose(change: Change, proposalId: string, caller: Caller, correlationId: string) {
    const data = { proposalId, ownerId: ownerOf(caller), proposedBy: caller.actor, change };
    return valueOrProblem(await this.proposals.propose(data, { actor: caller.actor, correlationId }));
  }
}

function extensionOf(body: NewExtension) {
  const { campaignId = null, fundId = null, reasonPattern, evidence } = body;
  if (campaignId === null && fundId === null) throw invalid('campaignId', 'campaignId or fundId must be named');
  const times = {
    expiresFrom: timeOf('expiresFrom', body.expiresFrom),
    expiresBefore: timeOf('expiresBefore', body.expiresBefore),
    newExpiresAt: timeOf('newExpiresAt', body.newExpiresAt),
  };
  if (times.expiresBefore <= times.expiresFrom)
    throw invalid('expiresBefore', 'expiresBefore must be after expiresFrom');
  if (times.newExpiresAt < times.expiresBefore)
    throw invalid('newExpiresAt', 'newExpiresAt must not lie before expiresBefore: a term is never shortened');
  return { campaignId, fundId, ...times, reasonPattern, evidence };
}

function timeOf(field: string, text: string): string {
  const ms = instantOf(text);
  if (ms === undefined) throw invalid(field, `${field} must be a time of ISO 8601 with an offset`);
  return isoTime(ms);
}

function invalid(field: string, message: string): Problem {
  return new Problem({ code: 'request.invalid', errors: [{ field, code: 'invalid', message }] });
}
