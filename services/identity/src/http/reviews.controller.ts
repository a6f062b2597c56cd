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
import { type Outcome, outcomes, type Review } from '../domain/review.js';
import { Looks } from '../outbound/looks.js';
import { ReviewIndex } from '../projections/review-index.js';
import { Reviewing } from '../workflows/reviewing.js';
import { evidencePattern, PageQuery, reasonPattern } from './paging.js';

const states = ['open', 'proposed', 'decided'] as const;

class ReviewsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: states })
  @IsOptional()
  @IsIn(states)
  state?: Review['state'];
}

class LookQuery {
  @ApiProperty({ type: String, description: 'Why you look: kept with the look' })
  @Matches(reasonPattern)
  reason: string;
}

class DecisionBody {
  @ApiProperty({ enum: outcomes })
  @IsIn(outcomes)
  outcome: Outcome;

  /** Whose id goes on, where they are one person; the oldest where absent. */
  @ApiPropertyOptional({ type: String, format: 'uuid' })
  @IsOptional()
  @IsUUID()
  keptPersonId?: string;

  /** Whose the certificate is: for contradicting link data of different persons. */
  @ApiPropertyOptional({ type: String, format: 'uuid' })
  @IsOptional()
  @IsUUID()
  certificatePersonId?: string;

  @ApiPropertyOptional({ type: String, description: 'Number of the case in your own files; no personal data' })
  @IsOptional()
  @Matches(evidencePattern)
  evidence?: string;
}

class ApprovalBody {
  @ApiProperty({ type: String, format: 'uuid', description: 'The decision that you have read and approve' })
  @IsUUID()
  decisionId: string;
}

/** Whether persons are one: found by the rules, decided by two members of staff. */
@ApiTags('reviews')
@Controller('identity/v1/reviews')
export class ReviewsController {
  constructor(
    private readonly reviewing: Reviewing,
    private readonly index: ReviewIndex,
    private readonly looks: Looks,
  ) {}

  @Get()
  @Roles('support', 'operator')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Reviews, newest first; without the persons' })
  async list(@Query() { state, cursor, limit }: ReviewsQuery) {
    const { page, upToDate, next } = await this.index.page(state, cursor ? Number(cursor) : undefined, limit);
    const reviews = page.map(({ position: _, ...review }) => review);
    return { reviews, upToDate, ...(next === undefined ? {} : { nextCursor: String(next) }) };
  }

  @Get(':reviewId')
  @Roles('support', 'operator')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'One review with the persons concerned; the look is put on record' })
  async get(
    @Param('reviewId') reviewId: string,
    @Query() { reason }: LookQuery,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ) {
    const review = isId(reviewId) ? await this.reviewing.find(reviewId) : undefined;
    if (!review) throw new Problem({ code: 'request.not_found' });
    const shown = reviewAnswer(review);
    const look = { reason, fields: Object.keys(shown) };
    await this.looks.note(caller, { reviewId, personIds: review.personIds }, look, correlationId);
    return shown;
  }

  @Post(':reviewId/decisions')
  @Roles('support', 'operator')
  @Idempotent()
  @ApiOperation({ summary: 'Propose what the review comes to; it counts once another person approves it' })
  async propose(
    @Param('reviewId') reviewId: string,
    @Body() body: DecisionBody,
    @CurrentCaller() { actor }: Caller,
    @CreatedId() decisionId: string,
    @CorrelationId() correlationId: string,
  ) {
    if (!isId(reviewId)) throw new Problem({ code: 'request.not_found' });
    const { outcome, keptPersonId = null, certificatePersonId = null, evidence = null } = body;
    const decision = { decisionId, outcome, keptPersonId, certificatePersonId, evidence };
    return reviewAnswer(valueOrProblem(await this.reviewing.propose(reviewId, decision, { actor, correlationId })));
  }

  @Post(':reviewId/approve')
  @HttpCode(200)
  @Roles('support', 'operator')
  @ApiOperation({ summary: 'Approve the proposed decision as another person: it takes effect' })
  async approve(
    @Param('reviewId') reviewId: string,
    @Body() { decisionId }: ApprovalBody,
    @CurrentCaller() { actor }: Caller,
    @CorrelationId() correlationId: string,
  ) {
    if (!isId(reviewId)) throw new Problem({ code: 'request.not_found' });
    return reviewAnswer(valueOrProblem(await this.reviewing.approve(reviewId, decisionId, { actor, correlationId })));
  }
}

function reviewAnswer({ reviewId, kind, personIds, state, decision, approvedBy }: Review) {
  return {
    reviewId,
    kind,
    personIds,
    state,
    ...(decision === null ? {} : { decision: withoutNulls(decision) }),
    ...(approvedBy === null ? {} : { approvedBy }),
  };
}

function withoutNulls(of: object): object {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== null));
}
