import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type LinkCorrectionName, type LinkOutcome, linkPatterns } from '@tsunagu/contracts';
import type { EventLog } from '@tsunagu/event-store';
import { isId } from '@tsunagu/kernel';
import {
  type Caller,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  DATABASE,
  EVENT_LOG,
  Idempotent,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsUUID,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import type { Pool } from 'pg';
import type { LinkChange, LinkChangeProposed } from '../domain/link-change.js';
import { Acting } from '../workflows/acting.js';
import { LinkChanges } from '../workflows/link-changes.js';
import { readLinks } from '../workflows/link-streams.js';
import { ownerOf, WithEvidence } from './staff.js';

const patterns = Object.keys(linkPatterns.correction) as LinkCorrectionName[];
const outcomes: readonly LinkOutcome[] = ['upheld', 'ended', 'moved'];
const states = ['proposed', 'approved', 'rejected'] as const;
/** A person's links to one account in all their programmes, twice: a swapped pair. */
const linksMax = 20;
const pageMax = 200;

class CorrectedLinkBody {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  linkId: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'With `moved`: whose account it is. Follows in a swapped pair.' })
  @IsOptional()
  @IsUUID()
  toPersonId?: string | null;
}

class NewCorrection extends WithEvidence {
  @ApiProperty({ enum: patterns })
  @IsIn(patterns)
  pattern: LinkCorrectionName;

  @ApiProperty({ enum: outcomes })
  @IsIn(outcomes)
  outcome: LinkOutcome;

  @ApiProperty({ type: [CorrectedLinkBody], minItems: 1, maxItems: linksMax })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(linksMax)
  @ArrayUnique((each: { linkId?: unknown } | undefined) => each?.linkId)
  @ValidateNested({ each: true })
  @Type(() => CorrectedLinkBody)
  links: CorrectedLinkBody[];
}

class NewGuardian extends WithEvidence {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  childPersonId: string;

  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  guardianPersonId: string;

  @ApiPropertyOptional({ enum: ['link', 'unlink'], default: 'link' })
  @IsOptional()
  @IsIn(['link', 'unlink'])
  act?: 'link' | 'unlink' | null;
}

class ChangePage {
  @ApiPropertyOptional({ enum: states })
  @IsOptional()
  @IsIn(states)
  state?: (typeof states)[number];

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'nextCursor of the page before.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  cursor?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: pageMax, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(pageMax)
  limit?: number;
}

/** Corrections of links and guardians: one person of the staff proposes, another approves. */
@ApiTags('link changes')
@Controller('service-link/v1')
export class LinkChangesController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    private readonly acting: Acting,
    private readonly changes: LinkChanges,
  ) {}

  @Post('link-corrections')
  @Roles('support', 'operator')
  @Idempotent()
  @ApiOperation({ summary: 'Proposes what is to become of disputed links, or of the links of who died or moved away' })
  async correct(
    @Body() { pattern, outcome, links, evidence }: NewCorrection,
    @CurrentCaller() caller: Caller,
    @CreatedId() changeId: string,
    @CorrelationId() correlationId: string,
  ) {
    const found = await readLinks(
      this.log,
      links.map(({ linkId }) => linkId),
    );
    for (const { linkId } of links) {
      const each = found.get(linkId);
      if (!each || !(await this.acting.maySee(caller, each))) throw new Problem({ code: 'request.not_found' });
    }
    const corrected = links.map(({ linkId, toPersonId = null }) => ({ linkId, toPersonId }));
    const change = { kind: 'correction' as const, pattern, outcome, links: corrected, evidence };
    return this.#propose(change, changeId, caller, correlationId);
  }

  @Post('guardians')
  @Roles('support', 'operator')
  @Idempotent()
  @ApiOperation({ summary: 'Proposes who acts for a child under 15, or who no longer does' })
  async guardian(
    @Body() { childPersonId, guardianPersonId, act, evidence }: NewGuardian,
    @CurrentCaller() caller: Caller,
    @CreatedId() changeId: string,
    @CorrelationId() correlationId: string,
  ) {
    if (childPersonId === guardianPersonId) throw new Problem({ code: 'service_link.correction_mismatch' });
    const change = { kind: 'guardian' as const, act: act ?? 'link', childPersonId, guardianPersonId, evidence };
    return this.#propose(change, changeId, caller, correlationId);
  }

  @Get('link-changes')
  @Roles('support', 'operator', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: "The owner's changes, newest first" })
  async list(@CurrentCaller() caller: Caller, @Query() { state, cursor, limit = 50 }: ChangePage) {
    await this.projections.waitFor('link_changes');
    const { rows } = await this.database.query<ChangeRow>(
      `select change_id, state, proposed_by, decided_by, change, position from link_changes
        where owner_id = $1 and position < $2 and ($3::text is null or state = $3)
        order by position desc limit $4`,
      [ownerOf(caller), cursor ?? Number.MAX_SAFE_INTEGER, state ?? null, limit + 1],
    );
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      changes: rows
        .slice(0, limit)
        .map(({ change_id: changeId, proposed_by: proposedBy, decided_by: decidedBy, ...row }) =>
          changeAnswer({ changeId, proposedBy, decidedBy, state: row.state, change: row.change }),
        ),
      ...(last && { nextCursor: Number(last.position) }),
    };
  }

  @Get('link-changes/:changeId')
  @Roles('support', 'operator', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'One change' })
  async one(@Param('changeId') changeId: string, @CurrentCaller() caller: Caller) {
    return changeAnswer(await this.#own(caller, changeId));
  }

  @Post('link-changes/:changeId/approve')
  @HttpCode(200)
  @Roles('support', 'operator')
  @ApiOperation({ summary: 'Approves and carries out, as a person who changed none of the links' })
  approve(@Param('changeId') id: string, @CurrentCaller() caller: Caller, @CorrelationId() correlationId: string) {
    return this.#judge(id, 'approve', caller, correlationId);
  }

  @Post('link-changes/:changeId/reject')
  @HttpCode(200)
  @Roles('support', 'operator')
  @ApiOperation({ summary: 'Rejects; the proposer may take a proposal back' })
  reject(@Param('changeId') id: string, @CurrentCaller() caller: Caller, @CorrelationId() correlationId: string) {
    return this.#judge(id, 'reject', caller, correlationId);
  }

  async #propose(change: LinkChangeProposed['change'], changeId: string, caller: Caller, correlationId: string) {
    const ownerId = ownerOf(caller);
    const by = { actor: caller.actor, ownerId, correlationId };
    const proposed = { changeId, ownerId, proposedBy: caller.actor, change };
    return changeAnswer(valueOrProblem(await this.changes.propose(proposed, by)));
  }

  async #judge(id: string, verdict: 'approve' | 'reject', caller: Caller, correlationId: string) {
    const { changeId, ownerId } = await this.#own(caller, id);
    const by = { actor: caller.actor, ownerId, correlationId };
    return changeAnswer(valueOrProblem(await this.changes.judge(changeId, verdict, by)));
  }

  async #own(caller: Caller, changeId: string): Promise<LinkChange> {
    const found = isId(changeId) ? await this.changes.find(changeId) : undefined;
    if (found?.ownerId !== ownerOf(caller)) throw new Problem({ code: 'request.not_found' });
    return found;
  }
}

function changeAnswer({ changeId, state, proposedBy, decidedBy, change }: Omit<LinkChange, 'ownerId'>) {
  return { changeId, state, proposedBy, ...(decidedBy !== null && { decidedBy }), change };
}

interface ChangeRow {
  readonly change_id: string;
  readonly state: LinkChange['state'];
  readonly proposed_by: string;
  readonly decided_by: string | null;
  readonly change: LinkChange['change'];
  readonly position: string;
}
