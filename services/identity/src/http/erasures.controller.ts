import { Body, Controller, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { isId } from '@tsunagu/kernel';
import {
  type Caller,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  Idempotent,
  Problem,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { IsIn, IsOptional, IsUUID, Matches } from 'class-validator';
import { type Erasure, type ErasurePattern, erasurePatterns, erasureStates } from '../domain/erasure.js';
import { ErasureIndex } from '../projections/erasure-index.js';
import { Erasing } from '../workflows/erasing.js';
import { evidencePattern, PageQuery } from './paging.js';

class ErasuresQuery extends PageQuery {
  @ApiPropertyOptional({ enum: erasureStates })
  @IsOptional()
  @IsIn(erasureStates)
  state?: Erasure['state'];
}

class ErasureBody {
  @ApiProperty({ type: String, format: 'uuid', description: 'Any id that means the person: all of them are erased' })
  @IsUUID()
  personId: string;

  @ApiProperty({ enum: erasurePatterns })
  @IsIn(erasurePatterns)
  reasonPattern: ErasurePattern;

  @ApiPropertyOptional({ type: String, description: 'Number of the case in your own files; no personal data' })
  @IsOptional()
  @Matches(evidencePattern)
  evidence?: string;
}

/** Erasure of a person: proposed by one of the staff, approved by another, never undone. */
@ApiTags('erasures')
@Controller('identity/v1/erasures')
export class ErasuresController {
  constructor(
    private readonly erasing: Erasing,
    private readonly index: ErasureIndex,
  ) {}

  @Post()
  @Roles('support', 'operator')
  @Idempotent()
  @ApiOperation({
    summary: 'Propose to erase what is known of a person; nothing happens until another person approves',
  })
  async propose(
    @Body() { personId, reasonPattern, evidence }: ErasureBody,
    @CurrentCaller() { actor }: Caller,
    @CreatedId() erasureId: string,
    @CorrelationId() correlationId: string,
  ) {
    const proposed = { erasureId, personId, reasonPattern, evidence: evidence ?? null };
    return this.answer(valueOrProblem(await this.erasing.propose(proposed, { actor, correlationId })));
  }

  @Get()
  @Roles('support', 'operator')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Erasures, newest first; without the persons' })
  async list(@Query() { state, cursor, limit }: ErasuresQuery) {
    const { page, upToDate, next } = await this.index.page(state, cursor ? Number(cursor) : undefined, limit);
    return { erasures: page, upToDate, ...(next === undefined ? {} : { nextCursor: next }) };
  }

  @Get(':erasureId')
  @Roles('support', 'operator')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'One erasure with its proof: which key of each id had to go, where the log says so, and when it went',
  })
  async get(@Param('erasureId') erasureId: string) {
    const erasure = isId(erasureId) ? await this.erasing.find(erasureId) : undefined;
    if (!erasure) throw new Problem({ code: 'request.not_found' });
    return this.answer(erasure);
  }

  @Post(':erasureId/approve')
  @HttpCode(200)
  @Roles('support', 'operator')
  @ApiOperation({ summary: 'Approve an erasure as another person: sessions end, keys are destroyed, for good' })
  async approve(
    @Param('erasureId') erasureId: string,
    @CurrentCaller() { actor }: Caller,
    @CorrelationId() correlationId: string,
  ) {
    if (!isId(erasureId)) throw new Problem({ code: 'request.not_found' });
    return this.answer(valueOrProblem(await this.erasing.approve(erasureId, { actor, correlationId })));
  }

  private async answer(erasure: Erasure) {
    const { evidence, approvedBy, ...shown } = erasure;
    return {
      ...shown,
      ...(evidence === null ? {} : { evidence }),
      ...(approvedBy === null ? {} : { approvedBy }),
      keys: await this.erasing.erasedIds(erasure),
    };
  }
}
