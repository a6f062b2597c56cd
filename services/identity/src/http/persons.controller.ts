import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { isId } from '@tsunagu/kernel';
import {
  type Caller,
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
import { IsIn, IsOptional, IsUUID, Matches } from 'class-validator';
import { type Change, mergePatterns, splitPatterns } from '../domain/merge.js';
import { Looks } from '../outbound/looks.js';
import { Merging } from '../workflows/merging.js';
import { countCards } from '../workflows/persons-of-cards.js';
import { Survivors } from '../workflows/survivors.js';
import { evidencePattern, reasonPattern } from './paging.js';

class PersonLookQuery {
  @ApiProperty({ type: String, description: 'Why you look: kept with the look' })
  @Matches(reasonPattern)
  reason: string;
}

class ChangeBody {
  @ApiPropertyOptional({ type: String, description: 'Number of the case in your own files; no personal data' })
  @IsOptional()
  @Matches(evidencePattern)
  evidence?: string;
}

class MergeBody extends ChangeBody {
  @ApiProperty({ type: String, format: 'uuid' })
  @IsUUID()
  keptPersonId: string;

  @ApiProperty({ type: String, format: 'uuid' })
  @IsUUID()
  mergedPersonId: string;

  @ApiProperty({ enum: mergePatterns })
  @IsIn(mergePatterns)
  reasonPattern: (typeof mergePatterns)[number];
}

class SplitBody extends ChangeBody {
  @ApiProperty({ type: String, format: 'uuid', description: 'The merge to undo' })
  @IsUUID()
  mergeId: string;

  @ApiProperty({ enum: splitPatterns })
  @IsIn(splitPatterns)
  reasonPattern: (typeof splitPatterns)[number];
}

/** Two ids that are one person, and merges that were wrong: proposed by one of the staff, approved by another. */
@ApiTags('persons')
@Controller('identity/v1/persons')
export class PersonsController {
  constructor(
    private readonly merging: Merging,
    private readonly survivors: Survivors,
    private readonly looks: Looks,
    @Inject(PARTS) private readonly parts: ServiceParts,
  ) {}

  @Post('merges')
  @Roles('support', 'operator')
  @Idempotent()
  @ApiOperation({ summary: 'Propose that two ids are one person' })
  async merge(
    @Body() body: MergeBody,
    @CurrentCaller() { actor }: Caller,
    @CreatedId() mergeId: string,
    @CorrelationId() correlationId: string,
  ) {
    const proposed = { ...body, evidence: body.evidence ?? null, mergeId };
    return changeAnswer(valueOrProblem(await this.merging.proposeMerge(proposed, { actor, correlationId })));
  }

  @Get('merges/:mergeId')
  @Roles('support', 'operator')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'One merge' })
  getMerge(@Param('mergeId') id: string) {
    return this.get('merge', id);
  }

  @Post('merges/:mergeId/approve')
  @HttpCode(200)
  @Roles('support', 'operator')
  @ApiOperation({ summary: 'Approve a merge as another person: both ids mean the person that is kept' })
  approveMerge(@Param('mergeId') id: string, @CurrentCaller() caller: Caller, @CorrelationId() correlationId: string) {
    return this.approve('merge', id, caller, correlationId);
  }

  @Post('splits')
  @Roles('support', 'operator')
  @Idempotent()
  @ApiOperation({ summary: 'Propose to undo a merge' })
  async split(
    @Body() { evidence, mergeId, reasonPattern }: SplitBody,
    @CurrentCaller() { actor }: Caller,
    @CreatedId() changeId: string,
    @CorrelationId() correlationId: string,
  ) {
    const proposed = { changeId, mergeId, reasonPattern, evidence: evidence ?? null };
    return changeAnswer(valueOrProblem(await this.merging.proposeSplit(proposed, { actor, correlationId })));
  }

  @Get('splits/:splitId')
  @Roles('support', 'operator')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'One split' })
  getSplit(@Param('splitId') id: string) {
    return this.get('split', id);
  }

  @Post('splits/:splitId/approve')
  @HttpCode(200)
  @Roles('support', 'operator')
  @ApiOperation({
    summary: 'Approve a split as another person: each id means its own person again, with its own cards',
  })
  approveSplit(@Param('splitId') id: string, @CurrentCaller() caller: Caller, @CorrelationId() correlationId: string) {
    return this.approve('split', id, caller, correlationId);
  }

  @Get(':personId')
  @Roles('support', 'operator')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'What is recorded of a person, without any attribute; the look is put on record' })
  async person(
    @Param('personId') personId: string,
    @Query() { reason }: PersonLookQuery,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ) {
    const person = isId(personId) ? (await this.survivors.of([personId])).get(personId) : undefined;
    if (!person) throw new Problem({ code: 'request.not_found' });
    const { attributesReadAt, heldBy, erasureId } = person;
    const personIds = await this.survivors.idsOf(person);
    const shown = {
      personId: person.personId,
      personIds,
      cards: await countCards(this.parts.log, [person]),
      attributesReadAt,
      reviewIds: heldBy,
      ...(erasureId === null ? {} : { erasureId }),
    };
    await this.looks.note(caller, { personIds: [personId] }, { reason, fields: Object.keys(shown) }, correlationId);
    return shown;
  }

  private async get(kind: Change['kind'], id: string) {
    const change = isId(id) ? await this.merging.find(kind, id) : undefined;
    if (!change) throw new Problem({ code: 'request.not_found' });
    return changeAnswer(change);
  }

  private async approve(kind: Change['kind'], id: string, { actor }: Caller, correlationId: string) {
    if (!isId(id)) throw new Problem({ code: 'request.not_found' });
    return changeAnswer(valueOrProblem(await this.merging.approve(kind, id, { actor, correlationId })));
  }
}

function changeAnswer({ kind, changeId, mergeId, evidence, approvedBy, ...change }: Change) {
  return {
    ...(kind === 'merge' ? { mergeId } : { splitId: changeId, mergeId }),
    ...change,
    ...(evidence === null ? {} : { evidence }),
    ...(approvedBy === null ? {} : { approvedBy }),
  };
}
